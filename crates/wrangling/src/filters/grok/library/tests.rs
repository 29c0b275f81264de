//! Every pattern compiles, and a line of each family gives its fields.

use bumpalo::Bump;

use super::super::{expand::expand, pattern::Pattern};
use super::*;
use crate::exec::FieldPath;
use crate::field_ref::FieldRef;

fn compile(pattern: &str, ecs: EcsCompatibility) -> Pattern {
    let expanded = expand(pattern, &mut Library::new(ecs), true).unwrap();
    let field = |field: &str| Ok((FieldPath::new(0, FieldRef::parse(field).unwrap()), false));
    match Pattern::compile(&expanded, field) {
        Ok(pattern) => pattern,
        Err(reason) => panic!("{pattern} ({ecs:?}): {reason}\n{expanded}"),
    }
}

/// What a pattern captures, as `[field][inner]=value`; nothing if it does not match.
fn captured(pattern: &str, ecs: EcsCompatibility, line: &str) -> Vec<String> {
    let (pattern, bump) = (compile(&format!("^%{{{pattern}}}$"), ecs), Bump::new());
    let Some(groups) = pattern.search(line, &bump).unwrap() else {
        return Vec::new();
    };
    let found = pattern.captures.all().filter_map(|capture| {
        let text = groups.get(capture.group).filter(|text| !text.is_empty())?;
        let value = capture.coercion.apply(text, &bump).text(&bump);
        Some(format!("{}={value}", capture.path.field))
    });
    found.collect()
}

#[test]
fn every_pattern_compiles() {
    for ecs in [EcsCompatibility::V8, EcsCompatibility::Disabled] {
        let mut names: Vec<String> = Library::new(ecs)
            .patterns
            .keys()
            .map(|name| name.to_string())
            .collect();
        names.sort_unstable();
        for name in names {
            compile(&format!("%{{{name}}}"), ecs);
        }
    }
}

#[test]
fn lines_of_every_family_give_the_fields_of_the_schema() {
    for (pattern, line, fields) in SCHEMA {
        let found = captured(pattern, EcsCompatibility::V8, line);
        for field in *fields {
            assert!(
                found.iter().any(|known| known == field),
                "{pattern}: no {field} in {found:#?}"
            );
        }
    }
}

#[test]
fn lines_of_every_family_give_the_fields_from_before_the_schema() {
    for (pattern, line, fields) in LEGACY_LINES {
        let found = captured(pattern, EcsCompatibility::Disabled, line);
        for field in *fields {
            assert!(
                found.iter().any(|known| known == field),
                "{pattern}: no {field} in {found:#?}"
            );
        }
    }
}

/// A pattern, a line, and some of the fields.
type Sample = (&'static str, &'static str, &'static [&'static str]);

const SCHEMA: &[Sample] = &[
    (
        "S3_ACCESS_LOG",
        r#"ab12 my-bucket [19/May/2024:07:04:36 +0000] 10.1.2.3 - REQ77 REST.GET.OBJECT a/b.txt "GET /a/b.txt?x=1 HTTP/1.1" 200 - 512 2048 31 - "-" "curl/8.0" - hOst= SigV4 ECDHE AuthHeader b.s3.amazonaws.com TLSv1.2"#,
        &[
            "[aws][s3access][bucket_owner]=ab12",
            "[client][ip]=10.1.2.3",
            "[http][response][status_code]=200",
            "[aws][s3access][total_time]=31",
            "[aws][s3access][request_uri]=GET /a/b.txt?x=1 HTTP/1.1",
            "[user_agent][original]=curl/8.0",
            "[tls][cipher]=ECDHE",
            "[aws][s3access][tls_version]=TLSv1.2",
        ],
    ),
    (
        "ELB_ACCESS_LOG",
        r#"2024-05-19T07:04:36.000001Z front 10.0.0.9:4711 10.1.0.1:80 0.00007 0.5 -1 200 - 0 57 "GET http://u@shop.example:8080/a?b=c HTTP/1.1" "curl" - TLSv1.2"#,
        &[
            "[aws][elb][name]=front",
            "[source][port]=4711",
            "[aws][elb][backend][ip]=10.1.0.1",
            "[aws][elb][backend_processing_time][sec]=0.5",
            "[url][domain]=shop.example",
            "[url][port]=8080",
            "[url][query]=b=c",
            "[aws][elb][ssl_protocol]=TLSv1.2",
        ],
    ),
    (
        "CLOUDFRONT_ACCESS_LOG",
        "2024-05-19\t07:04:36\tFRA2\t99\t10.0.0.1\tGET\td1.cloudfront.net\t/v\t000\t-\tMozilla\t-\tzip=1\tMiss\tXYZ==\td1.cloudfront.net\thttps\t23\t0.5\t-\tTLSv1.3\t-\tMiss\tHTTP/2.0\t-\t-\t4040\t0.1\tMiss\ttext/html\t78\t-\t-",
        &[
            "[destination][bytes]=99",
            "[aws][cloudfront][x_edge_location]=FRA2",
            "[aws][cloudfront][http][request][cookie]=zip=1",
            "[http][version]=2.0",
            "[source][port]=4040",
            "[aws][cloudfront][http][request][size]=78",
        ],
    ),
    (
        "BACULA_LOG",
        r#"19-May 07:04 backup-dir JobId 12: Labeled new Volume "Vol-1" on file device "File1" (/srv/bacula)."#,
        &[
            "[host][hostname]=backup-dir",
            "[bacula][job][id]=12",
            "[bacula][volume][name]=Vol-1",
            "[bacula][volume][path]=/srv/bacula",
        ],
    ),
    (
        "BACULA_LOGLINE",
        "19-May 07:04 backup-dir JobId 12: Fatal Error: bsock.c:133 Unable to connect to Client: web-fd on web.example:9102. ERR=Connection refused",
        &[
            "[bacula][client][name]=web-fd",
            "[client][port]=9102",
            "[error][message]=Connection refused",
        ],
    ),
    (
        "BIND9",
        "19-May-2024 07:04:36.123 queries: info: client @0x7f64 10.0.0.7#4711 (www.example): query: www.example IN AAAA +E(0)K (10.0.0.53)",
        &[
            "[client][ip]=10.0.0.7",
            "[dns][question][class]=IN",
            "[dns][question][type]=AAAA",
            "[bind][log][question][flags]=+E(0)K",
            "[server][ip]=10.0.0.53",
        ],
    ),
    (
        "BRO_CONN",
        "1700000000.5\tCuid1\t10.0.0.1\t4711\t10.0.0.2\t53\tudp\tdns\t0.5\t40\t80\tSF\tT\t0\tDd\t1\t68\t1\t108\t(empty)",
        &[
            "[zeek][session_id]=Cuid1",
            "[network][protocol]=dns",
            "[zeek][connection][duration]=0.5",
            "[zeek][connection][local_orig]=T",
            "[zeek][connection][missed_bytes]=0",
            "[destination][bytes]=108",
        ],
    ),
    (
        "ZEEK_CONN",
        "1700000000.5\tCuid1\t10.0.0.1\t4711\t10.0.0.2\t53\tudp\t-\t-\t-\t-\tS0\t-\t-\t0\tD\t1\t68\t0\t0\t-\t00:11:22:33:44:55\t-",
        &[
            "[zeek][connection][state]=S0",
            "[source][packets]=1",
            "[source][mac]=00:11:22:33:44:55",
        ],
    ),
    (
        "ZEEK_FILES",
        "1700000000.5\tFuid1\t10.0.0.1,10.0.0.3\t10.0.0.2\tCuid1\tHTTP\t0\tMD5\ttext/html\t-\t0.1\t-\tF\t99\t99\t0\t0\tF\t-\tabc\t-\t-\t-\tF\t5",
        &[
            "[zeek][files][tx_hosts]=10.0.0.1,10.0.0.3",
            "[client][ip]=10.0.0.2",
            "[file][size]=99",
            "[zeek][files][extracted_size]=5",
        ],
    ),
    (
        "EXIM",
        r#"2024-05-19 07:04:36 [77] 1abCDe-0001xy-Zz <= ann@example.org H=host.example (mail) [10.0.0.5]:4711 I=[10.0.0.6]:25 P=esmtps X=TLS1.3 S=1234 id=abc@x T="a \"b\"" from <ann@example.org> for bob@example.org"#,
        &[
            "[process][pid]=77",
            "[exim][log][flags]=<=",
            "[exim][log][sender][email]=ann@example.org",
            "[exim][log][remote_address]=mail",
            "[source][port]=4711",
            "[destination][port]=25",
            "[exim][log][message][size]=1234",
            "[exim][log][recipient][email]=bob@example.org",
        ],
    ),
    (
        "NETSCREENSESSIONLOG",
        r#"May 19 07:04:36 10.0.0.1 fw1: NetScreen device_id=fw1 [Root]system-notification-00257(traffic): start_time="2024-05-19 07:04:30" duration=6 policy_id=7 service=http proto=6 src zone=Trust dst zone=Untrust action=Permit sent=10 rcvd=20 src=10.0.0.2 dst=10.0.0.3 src_port=1 dst_port=80 session_id=9 reason=Close"#,
        &[
            "[event][code]=00257",
            "[netscreen][session][type]=traffic",
            "[observer][ingress][zone]=Trust",
            "[source][bytes]=10",
            "[netscreen][session][reason]=Close",
        ],
    ),
    (
        "CISCOFW106023",
        r#"Deny tcp src outside:10.1.1.1/4711 dst inside:host.example/22(LOCAL\bob) by access-group "acl_in" [0x1, 0x2]"#,
        &[
            "[cisco][asa][outcome]=Deny",
            "[observer][ingress][interface][name]=outside",
            "[destination][address]=host.example",
            "[destination][user][name]=LOCAL\\bob",
            "[cisco][asa][rule_name]=acl_in",
            "[@metadata][cisco][asa][hashcode2]=0x2",
        ],
    ),
    (
        "CISCOFW106100",
        "access-list in permitted udp inside/10.0.0.1(53) -> outside/10.0.0.2(54) hit-cnt 3 first hit [0x1, 0x0]",
        &[
            "[cisco][asa][outcome]=permitted",
            "[cisco][asa][hit_count]=3",
            "[destination][port]=54",
        ],
    ),
    (
        "CISCOFW302020_302021",
        "Built inbound ICMP connection for faddr 10.0.0.1/7 gaddr 10.0.0.2/8 laddr 10.0.0.3/8",
        &[
            "[cisco][asa][network][direction]=inbound",
            "[cisco][asa][icmp_seq]=7",
            "[source][nat][ip]=10.0.0.2",
        ],
    ),
    (
        "CISCOFW305011",
        "Built dynamic TCP translation from inside:10.0.0.1/4711 to outside:10.0.0.2/1024",
        &[
            "[cisco][asa][network][transport]=TCP",
            "[observer][egress][interface][name]=outside",
            "[destination][port]=1024",
        ],
    ),
    (
        "CISCOFW402119",
        "IPSEC: Received an ESP packet (SPI= 0xA1, sequence number= 0x2) from 10.0.0.1 (user= ann) to 10.0.0.2 that failed anti-replay checking.",
        &[
            "[cisco][asa][network][type]=IPSEC",
            "[cisco][asa][ipsec][spi]=0xA1",
            "[source][user][name]=ann",
        ],
    ),
    (
        "CISCOFW733100",
        "[ Scanning] drop rate-1 exceeded. Current burst rate is 1 per second, max configured rate is 10; Current average rate is 2 per second, max configured rate is 5; Cumulative total count is 99",
        &[
            "[cisco][asa][burst][object]=Scanning",
            "[cisco][asa][burst][id]=rate-1",
            "[cisco][asa][burst][cumulative_count]=99",
        ],
    ),
    (
        "IPTABLES",
        "IN=eth0 OUT= MAC=aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:08:00 SRC=10.0.0.1 DST=10.0.0.2 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=123 DF PROTO=TCP SPT=4711 DPT=22 WINDOW=1024 RES=0x00 ACK SYN ",
        &[
            "[observer][ingress][interface][name]=eth0",
            "[source][mac]=00:11:22:33:44:55",
            "[iptables][ttl]=64",
            "[iptables][fragment_flags]=DF",
            "[network][transport]=TCP",
            "[destination][port]=22",
            "[iptables][tcp][flags]=ACK SYN ",
        ],
    ),
    (
        "SHOREWALL",
        "May 19 07:04:36 gate kernel: Shorewall:net2fw:DROP:IN=eth0 OUT= SRC=10.0.0.1 DST=10.0.0.2 LEN=60 TOS=0 PREC=0x00 TTL=64 ID=123 PROTO=UDP SPT=1 DPT=2 ",
        &[
            "[observer][hostname]=gate",
            "[shorewall][firewall][action]=DROP",
            "[source][ip]=10.0.0.1",
        ],
    ),
    (
        "SFW2",
        "May 19 07:04:36 gate kernel: SFW2-INext-DROP-DEFLT IN=eth0 OUT= SRC=fe80::1 DST=fe80::2 LEN=60 TC=0 HOPLIMIT=64 FLOWLBL=0 PROTO=UDP SPT=1 DPT=2 ",
        &[
            "[suse][firewall][action]=DROP-DEFLT",
            "[iptables][ttl]=64",
            "[destination][ip]=fe80::2",
        ],
    ),
    (
        "RT_FLOW1",
        "RT_FLOW_SESSION_CLOSE: session closed TCP FIN: 10.0.0.1/4711->10.0.0.2/22 junos-ssh 10.0.1.1/2->10.0.2.1/3 r1 None 6 rule zoneA zoneB 88 5(100) 6(200) 7 x",
        &[
            "[juniper][srx][reason]=session closed TCP FIN",
            "[juniper][srx][src_nat_rule_name]=r1",
            "[source][nat][port]=2",
            "[network][iana_number]=6",
            "[observer][egress][zone]=zoneB",
            "[source][bytes]=100",
            "[juniper][srx][elapsed_time]=7",
        ],
    ),
    (
        "RT_FLOW3",
        "RT_FLOW_SESSION_DENY: session denied 10.0.0.1/1->10.0.0.2/2 svc 1(8) pol a b rest",
        &[
            "[juniper][srx][tag]=RT_FLOW_SESSION_DENY",
            "[rule][name]=pol",
            "[observer][ingress][zone]=a",
        ],
    ),
    (
        "MONGO_SLOWQUERY",
        "query shop.orders query: { a: 1 } ntoreturn:5 ntoskip:0 nscanned:900 keyUpdates:0 nreturned:3 reslen:9 12ms",
        &[
            "[mongodb][collection]=orders",
            "[mongodb][profile][nscanned]=900",
            "[mongodb][profile][duration]=12",
        ],
    ),
    (
        "MCOLLECTIVE",
        "I, [2024-05-19T07:04:36.1 #42]  INFO",
        &["[process][pid]=42", "[log][level]=INFO"],
    ),
    (
        "NAGIOSLOGLINE",
        "[1700000000] EXTERNAL COMMAND: SCHEDULE_HOST_DOWNTIME;web;1;2;1;0;7200;ann;patching",
        &[
            "[nagios][log][command]=SCHEDULE_HOST_DOWNTIME",
            "[nagios][log][duration]=7200",
            "[user][name]=ann",
        ],
    ),
    (
        "NAGIOSLOGLINE",
        "[1700000000] TIMEPERIOD TRANSITION: 24x7;-1;1",
        &[
            "[service][name]=24x7",
            "[nagios][log][period_from]=-1",
            "[nagios][log][period_to]=1",
        ],
    ),
    (
        "RAILS3",
        "Started GET \"/a\" for 10.0.0.1 at 2024-05-19 07:04:36 +0200\nProcessing by A::BController#show as HTML\n  Parameters: {\"id\"=>\"1\"}\nCompleted 200 OK in 12ms (Views: 1.5ms | ActiveRecord: 2.5ms)",
        &[
            "[rails][controller][class]=A::BController",
            "[rails][controller][action]=show",
            "[rails][request][params]=\"id\"=>\"1\"",
            "[rails][request][duration][total]=12.0",
            "[rails][request][duration][active_record]=2.5",
        ],
    ),
    (
        "SQUID3",
        "1700000000.1 55 10.0.0.1 TCP_MISS/000 99 GET http://example/ - DIRECT/- -",
        &[
            "[squid][request][duration]=55",
            "[event][action]=TCP_MISS",
            "[http][response][bytes]=99",
        ],
    ),
];

const LEGACY_LINES: &[Sample] = &[
    (
        "ELB_ACCESS_LOG",
        r#"2024-05-19T07:04:36.000001Z front 10.0.0.9:4711 - 0.1 0.5 0.2 200 - 0 57 "GET http://shop.example:8080/a?b=c HTTP/1.1""#,
        &[
            "[elb]=front",
            "[response]=200",
            "[bytes]=57",
            "[params]=?b=c",
        ],
    ),
    (
        "S3_ACCESS_LOG",
        r#"ab12 my-bucket [19/May/2024:07:04:36 +0000] - - REQ77 REST.GET.OBJECT a/b.txt "-" 200 - 512 2048 31 - "-" "curl/8.0" -"#,
        &[
            "[owner]=ab12",
            "[agent]=\"curl/8.0\"",
            "[request_time_ms]=31",
        ],
    ),
    (
        "BACULA_LOGLINE",
        "19-May 07:04 dir: Fatal error: bsock.c:133 Unable to connect to Storage daemon on web:9103. ERR=refused",
        &["[hostname]=dir", "[berror]=refused"],
    ),
    (
        "EXIM",
        "2024-05-19 07:04:36 1abCDe-0001xy-Zz <= ann@example.org H=mail [10.0.0.5]:4711 P=esmtps S=1234 for bob@example.org",
        &[
            "[exim_msgid]=1abCDe-0001xy-Zz",
            "[remote_port]=4711",
            "[exim_msg_size]=1234",
            "[exim_recipient_email]=bob@example.org",
        ],
    ),
    (
        "SHOREWALL",
        "May 19 07:04:36 gate kernel: Shorewall:net2fw:DROP:IN=eth0 OUT= MAC=aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:08:00 SRC=10.0.0.1 DST=10.0.0.2 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=123 PROTO=UDP SPT=1 DPT=2 ",
        &[
            "[nf_host]=gate",
            "[nf_action2]=DROP",
            "[nf_src_mac]=00:11:22:33:44:55",
            "[nf_dst_port]=2",
        ],
    ),
    (
        "RAILS3",
        "Started GET \"/a\" for 10.0.0.1 at 2024-05-19 07:04:36 +0200\nProcessing by A#show as HTML\nCompleted 200 OK in 12ms (ActiveRecord: 2.5ms)",
        &["[controller]=A", "[action]=show", "[activerecordms]=2.5"],
    ),
    (
        "NAGIOSLOGLINE",
        "[1700000000] EXTERNAL COMMAND: DISABLE_SVC_CHECK;web;http",
        &[
            "[nagios_command]=DISABLE_SVC_CHECK",
            "[nagios_service]=http",
        ],
    ),
];
