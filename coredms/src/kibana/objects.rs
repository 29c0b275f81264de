//! The saved objects of a job: data view, saved search, dashboard. Their form is that of Kibana 8's own exports, in which
//! some attributes are JSON inside a string; newer versions bring them up to date as they take them in.

use serde_json::{Value, json};

/// The field that every document has its time in.
const TIME: &str = "@timestamp";
/// The version of the form that they all have in common.
const CORE_VERSION: &str = "8.8.0";
/// Columns of a saved search before it gets hard to read.
const MAX_COLUMNS: usize = 8;

/// What a client looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobView {
    /// The client's id.
    pub client: String,
    /// The job's id.
    pub job: String,
    /// The pattern of its indices, `acme.flights-*`.
    pub indices: String,
    /// Fields to show of a document, the most telling first.
    pub fields: Vec<String>,
}

/// An object as Kibana keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedObject {
    kind: &'static str,
    id: String,
    /// The version of its type's form.
    version: &'static str,
    attributes: Value,
    /// The objects that it needs: name, type, id.
    references: Vec<(String, &'static str, String)>,
}

impl SavedObject {
    /// A line of an export.
    #[must_use]
    pub fn json(&self) -> Value {
        let references: Vec<Value> = self
            .references
            .iter()
            .map(|(name, kind, id)| json!({ "name": name, "type": kind, "id": id }))
            .collect();
        json!({
            "type": self.kind,
            "id": self.id,
            "attributes": self.attributes,
            "references": references,
            "coreMigrationVersion": CORE_VERSION,
            "typeMigrationVersion": self.version,
            "managed": false,
        })
    }
}

/// The objects of a job, each behind those that it needs. Their ids follow from client and job alone.
#[must_use]
pub fn objects(view: &JobView) -> Vec<SavedObject> {
    vec![data_view(view), saved_search(view), dashboard(view)]
}

impl JobView {
    /// A client's id holds no dot, so no two jobs share ids.
    fn id(&self, what: &str) -> String {
        format!("ingest.{}.{}.{what}", self.client, self.job)
    }

    fn title(&self, what: &str) -> String {
        format!("{}/{}: {what}", self.client, self.job)
    }

    /// Jobs may share indices; this is what is of this one.
    fn query(&self) -> Value {
        let query = format!("provenance.job : \"{}\"", self.job);
        json!({ "language": "kuery", "query": query })
    }

    /// A reference to the data view under a name.
    fn data_view(&self, name: String) -> (String, &'static str, String) {
        (name, "index-pattern", self.id("data"))
    }
}

fn data_view(view: &JobView) -> SavedObject {
    SavedObject {
        kind: "index-pattern",
        id: view.id("data"),
        version: "8.0.0",
        attributes: json!({
            "title": view.indices,
            "name": format!("{}/{}", view.client, view.job),
            "timeFieldName": TIME,
        }),
        references: Vec::new(),
    }
}

fn saved_search(view: &JobView) -> SavedObject {
    const INDEX: &str = "kibanaSavedObjectMeta.searchSourceJSON.index";
    let columns: Vec<&String> = view.fields.iter().take(MAX_COLUMNS).collect();
    let source = json!({ "query": view.query(), "filter": [], "indexRefName": INDEX });
    SavedObject {
        kind: "search",
        id: view.id("records"),
        version: "10.2.0",
        attributes: json!({
            "title": view.title("records"),
            "description": "",
            "columns": columns,
            "sort": [[TIME, "desc"]],
            "grid": {},
            "hideChart": false,
            "isTextBasedQuery": false,
            "usesAdHocDataView": false,
            "timeRestore": false,
            "kibanaSavedObjectMeta": { "searchSourceJSON": source.to_string() },
        }),
        references: vec![view.data_view(INDEX.into())],
    }
}

fn dashboard(view: &JobView) -> SavedObject {
    let (over_time, by_file, newest) = ("over-time", "by-file", "newest");
    let panels = json!([
        chart(view, over_time, "Documents over time", histogram(), [0, 0, 32, 14]),
        chart(view, by_file, "Documents by file", files(), [32, 0, 16, 14]),
        {
            "type": "search",
            "title": "Newest documents",
            "panelIndex": newest,
            "gridData": grid(newest, [0, 14, 48, 20]),
            "panelRefName": format!("panel_{newest}"),
            "embeddableConfig": { "enhancements": {} },
        },
    ]);
    let options = json!({ "useMargins": true, "hidePanelTitles": false, "syncColors": false,
        "syncCursor": true, "syncTooltips": false });
    let source = json!({ "query": view.query(), "filter": [] });
    SavedObject {
        kind: "dashboard",
        id: view.id("dashboard"),
        version: "8.9.0",
        attributes: json!({
            "title": view.title("overview"),
            "description": "Made when the job first completed; change it as you like.",
            "version": 1,
            // data may be of any year; Kibana's own default shows fifteen minutes
            "timeRestore": true,
            "timeFrom": "now-30y/y",
            "timeTo": "now+1y/y",
            "optionsJSON": options.to_string(),
            "panelsJSON": panels.to_string(),
            "kibanaSavedObjectMeta": { "searchSourceJSON": source.to_string() },
        }),
        references: vec![
            view.data_view(format!("{over_time}:{}", layer(over_time))),
            view.data_view(format!("{by_file}:{}", layer(by_file))),
            (
                format!("{newest}:panel_{newest}"),
                "search",
                view.id("records"),
            ),
        ],
    }
}

/// The name of the reference from a chart's only layer to its data view.
fn layer(panel: &str) -> String {
    format!("indexpattern-datasource-layer-{panel}")
}

/// Where a panel is, in a grid of 48 columns: x, y, width, height.
fn grid(panel: &str, [x, y, w, h]: [u32; 4]) -> Value {
    json!({ "x": x, "y": y, "w": w, "h": h, "i": panel })
}

/// A chart: what is counted, and how it is drawn.
struct Chart {
    kind: &'static str,
    /// The column that the documents are counted by.
    by: Value,
    /// From the layer's name.
    visualization: fn(&str) -> Value,
}

fn histogram() -> Chart {
    Chart {
        kind: "lnsXY",
        by: json!({
            "label": TIME, "dataType": "date", "operationType": "date_histogram", "sourceField": TIME,
            "isBucketed": true, "scale": "interval",
            "params": { "interval": "auto", "includeEmptyRows": true, "dropPartials": false },
        }),
        visualization: |layer| {
            json!({
                "preferredSeriesType": "bar_stacked",
                "legend": { "isVisible": false, "position": "right" },
                "valueLabels": "hide",
                "layers": [{ "layerId": layer, "layerType": "data", "seriesType": "bar_stacked",
                    "xAccessor": "by", "accessors": ["count"], "position": "top", "showGridlines": false }],
            })
        },
    }
}

fn files() -> Chart {
    Chart {
        kind: "lnsDatatable",
        by: json!({
            "label": "file", "customLabel": true, "dataType": "string", "operationType": "terms",
            "sourceField": "provenance.file", "isBucketed": true, "scale": "ordinal",
            "params": { "size": 100, "orderBy": { "type": "column", "columnId": "count" }, "orderDirection": "desc",
                "otherBucket": true, "missingBucket": false, "parentFormat": { "id": "terms" } },
        }),
        visualization: |layer| {
            json!({ "layerId": layer, "layerType": "data",
                "columns": [{ "columnId": "by" }, { "columnId": "count" }] })
        },
    }
}

fn chart(view: &JobView, panel: &str, title: &str, chart: Chart, place: [u32; 4]) -> Value {
    let count = json!({
        "label": "documents", "customLabel": true, "dataType": "number", "operationType": "count",
        "sourceField": "___records___", "isBucketed": false, "scale": "ratio", "params": { "emptyAsNull": true },
    });
    let layers = json!({ panel: {
        "columnOrder": ["by", "count"], "columns": { "by": chart.by, "count": count }, "incompleteColumns": {},
    } });
    let (name, kind, id) = view.data_view(layer(panel));
    json!({
        "type": "lens",
        "title": title,
        "panelIndex": panel,
        "gridData": grid(panel, place),
        "embeddableConfig": { "enhancements": {}, "attributes": {
            "type": "lens",
            "title": "",
            "visualizationType": chart.kind,
            "references": [{ "name": name, "type": kind, "id": id }],
            "state": {
                "datasourceStates": { "formBased": { "layers": layers } },
                "visualization": (chart.visualization)(panel),
                "query": { "language": "kuery", "query": "" },
                "filters": [],
                "internalReferences": [],
                "adHocDataViews": {},
            },
        } },
    })
}
