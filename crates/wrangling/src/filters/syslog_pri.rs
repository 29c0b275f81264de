//! `syslog_pri`: facility and severity of a syslog priority (RFC 5424, section 6.2.1).

use super::{Applied, FilterError};
use crate::compile::Compiler;
use crate::environment::EcsCompatibility;
use crate::exec::{Event, FieldPath};
use crate::number::{Integer, leading_integer};
use crate::options::Options;
use crate::value::Value;

/// A compiled `syslog_pri` filter.
#[derive(Debug)]
pub(crate) struct SyslogPri {
    priority: FieldPath,
    facility_code: FieldPath,
    severity_code: FieldPath,
    /// Fields for the names, unless they are not wanted.
    names: Option<(FieldPath, FieldPath)>,
    facilities: Vec<Box<str>>,
    severities: Vec<Box<str>>,
}

/// The priority of an event that has none: `user.notice`.
const DEFAULT: i64 = 13;

const FACILITIES: [&str; 24] = [
    "kernel",
    "user-level",
    "mail",
    "daemon",
    "security/authorization",
    "syslogd",
    "line printer",
    "network news",
    "uucp",
    "clock",
    "security/authorization",
    "ftp",
    "ntp",
    "log audit",
    "log alert",
    "clock",
    "local0",
    "local1",
    "local2",
    "local3",
    "local4",
    "local5",
    "local6",
    "local7",
];
const SEVERITIES: [&str; 8] = [
    "emergency",
    "alert",
    "critical",
    "error",
    "warning",
    "notice",
    "informational",
    "debug",
];

impl SyslogPri {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let ecs = options.ecs(compiler.environment);
        let fields = match ecs {
            EcsCompatibility::Disabled => [
                "syslog_pri",
                "syslog_facility_code",
                "syslog_severity_code",
                "syslog_facility",
                "syslog_severity",
            ],
            EcsCompatibility::V8 => [
                "[log][syslog][priority]",
                "[log][syslog][facility][code]",
                "[log][syslog][severity][code]",
                "[log][syslog][facility][name]",
                "[log][syslog][severity][name]",
            ],
        };
        let [priority, facility, severity, facility_name, severity_name] = fields;
        let priority = options.text("syslog_pri_field_name").unwrap_or(priority);
        let priority = compiler.field(priority, &options.at("syslog_pri_field_name"))?;
        let labels = |option: &str, default: &[&str]| -> Vec<Box<str>> {
            let own = options.list(option);
            let labels = own.unwrap_or_else(|| default.to_vec());
            labels.into_iter().map(Into::into).collect()
        };
        let mut field = |name: &str| compiler.field(name, "");
        Some(Self {
            priority,
            facility_code: field(facility)?,
            severity_code: field(severity)?,
            names: if options.flag("use_labels", true) {
                Some((field(facility_name)?, field(severity_name)?))
            } else {
                None
            },
            facilities: labels("facility_labels", &FACILITIES),
            severities: labels("severity_labels", &SEVERITIES),
        })
    }

    pub(super) fn apply<'a>(&'a self, event: &mut Event<'a>) -> Applied<'a> {
        let result = self.try_apply(event).map(|()| Applied::Matched);
        Applied::from_result(result, event)
    }

    fn try_apply<'a>(&'a self, event: &mut Event<'a>) -> Result<(), FilterError> {
        let (first, is_list) = match event.get(&self.priority) {
            Value::Array(items) => (items.first().copied().unwrap_or_default(), true),
            value => (value, false),
        };
        let priority = match first {
            Value::Absent | Value::Null if is_list => 0,
            Value::Absent | Value::Null | Value::Bool(false) => DEFAULT,
            Value::Int(priority) => priority,
            Value::Bool(true) | Value::Array(_) | Value::Object(_) => {
                let message = format!("a priority is a number, and this is {}", first.kind());
                return Err(FilterError::value(self.priority.field.to_string(), message));
            }
            value => match leading_integer(value.text(event.bump)) {
                Integer::Small(priority) => priority,
                Integer::Big(_) => return Err(too_large(&self.priority)),
            },
        };
        let (facility, severity) = (priority >> 3, priority & 7);
        event.set(&self.facility_code, Value::Int(facility))?;
        event.set(&self.severity_code, Value::Int(severity))?;
        let Some((facility_name, severity_name)) = &self.names else {
            return Ok(());
        };
        let label = |labels: &'a [Box<str>], code: i64| {
            let label = usize::try_from(code).ok().and_then(|code| labels.get(code));
            label.map(|label| Value::Str(label))
        };
        if let Some(name) = label(&self.facilities, facility) {
            event.set(facility_name, name)?;
        }
        if let Some(name) = label(&self.severities, severity) {
            event.set(severity_name, name)?;
        }
        Ok(())
    }
}

fn too_large(priority: &FieldPath) -> FilterError {
    let message = "the number is too large for a priority".to_owned();
    FilterError::value(priority.field.to_string(), message)
}
