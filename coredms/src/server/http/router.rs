//! Which endpoint answers a call.

use super::{Answer, Call, bulk, cat, cluster, documents, indices, searches};
use crate::server::error::{EsError, EsResult};

/// Endpoints that Elasticsearch has and this server has not.
const ELASTICSEARCH_ONLY: &[&str] = &[
    "_alias",
    "_aliases",
    "_analyze",
    "_async_search",
    "_cache",
    "_ccr",
    "_clone",
    "_close",
    "_component_template",
    "_data_stream",
    "_enrich",
    "_eql",
    "_explain",
    "_field_caps",
    "_flush",
    "_forcemerge",
    "_graph",
    "_ilm",
    "_ingest",
    "_knn_search",
    "_license",
    "_ml",
    "_monitoring",
    "_msearch",
    "_mtermvectors",
    "_open",
    "_pit",
    "_query",
    "_rank_eval",
    "_recovery",
    "_reindex",
    "_remote",
    "_render",
    "_resolve",
    "_rollover",
    "_scripts",
    "_search_shards",
    "_searchable_snapshots",
    "_security",
    "_segments",
    "_shard_stores",
    "_shrink",
    "_slm",
    "_snapshot",
    "_split",
    "_sql",
    "_stats",
    "_tasks",
    "_template",
    "_termvectors",
    "_transform",
    "_update",
    "_update_by_query",
    "_validate",
    "_watcher",
    "_xpack",
];

/// Answers a call.
pub fn route(call: &Call<'_>) -> EsResult<Answer> {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let allowed = match (&path[..], call.method) {
        ([], "GET") => return cluster::root(call),
        ([], _) => "GET",
        (["_bulk"], "POST" | "PUT") => return bulk::bulk(call, None),
        ([index, "_bulk"], "POST" | "PUT") => return bulk::bulk(call, Some(index)),
        (["_bulk"] | [_, "_bulk"], _) => "POST, PUT",
        (["_mget"], "GET" | "POST") => return documents::mget(call, None),
        ([index, "_mget"], "GET" | "POST") => return documents::mget(call, Some(index)),
        (["_mget"] | [_, "_mget"], _) => "GET, POST",
        ([index, "_doc"], "POST") => return documents::write(call, index, None, false),
        ([index, "_doc", id], "PUT" | "POST") => {
            return documents::write(call, index, Some(id), false);
        }
        ([index, "_create", id], "PUT" | "POST") => {
            return documents::write(call, index, Some(id), true);
        }
        ([index, "_doc", id], "GET") => return documents::get(call, index, id),
        ([index, "_source", id], "GET") => return documents::source(call, index, id),
        ([index, "_doc", id], "DELETE") => return documents::delete(call, index, id),
        ([_, "_doc"], _) => "POST",
        ([_, "_doc", _], _) => "GET, HEAD, PUT, POST, DELETE",
        ([_, "_create", _], _) => "PUT, POST",
        ([_, "_source", _], _) => "GET, HEAD",
        (["_search"], "GET" | "POST") => return searches::search(call, "_all"),
        ([index, "_search"], "GET" | "POST") => return searches::search(call, index),
        (["_count"], "GET" | "POST") => return searches::count(call, "_all"),
        ([index, "_count"], "GET" | "POST") => return searches::count(call, index),
        (["_refresh"], "GET" | "POST") => return indices::refresh(call, "_all"),
        ([index, "_refresh"], "GET" | "POST") => return indices::refresh(call, index),
        (["_search" | "_count" | "_refresh"] | [_, "_search" | "_count" | "_refresh"], _) => {
            "GET, POST"
        }
        ([index, "_delete_by_query"], "POST") => return searches::delete_by_query(call, index),
        ([_, "_delete_by_query"], _) => "POST",
        (["_mapping" | "_mappings"], "GET") => return indices::get_mapping(call, "_all"),
        ([index, "_mapping" | "_mappings"], "GET") => return indices::get_mapping(call, index),
        ([index, "_mapping" | "_mappings"], "PUT" | "POST") => {
            return indices::put_mapping(call, index);
        }
        (["_mapping" | "_mappings"] | [_, "_mapping" | "_mappings"], _) => "GET, PUT, POST",
        ([index, "_settings"], "GET") => return indices::get_settings(call, index),
        (["_index_template"], "GET") => return indices::get_template(call, "*"),
        (["_index_template", name], "GET") => return indices::get_template(call, name),
        (["_index_template", name], "PUT" | "POST") => return indices::put_template(call, name),
        (["_index_template", name], "DELETE") => return indices::delete_template(call, name),
        (["_index_template"] | ["_index_template", _], _) => "GET, HEAD, PUT, POST, DELETE",
        (["_cat", "indices"], "GET") => return cat::indices(call, "_all"),
        (["_cat", "indices", index], "GET") => return cat::indices(call, index),
        (["_cat", "count"], "GET") => return cat::count(call, "_all"),
        (["_cat", "count", index], "GET") => return cat::count(call, index),
        (["_cluster", "health"] | ["_cluster", "health", _], "GET") => {
            return cluster::health(call);
        }
        (
            ["_nodes", "stats"]
            | ["_nodes", "stats", _]
            | ["_nodes", _, "stats"]
            | ["_nodes", _, "stats", _],
            "GET",
        ) => {
            return cluster::nodes_stats(call);
        }
        (["_cluster", "health"] | ["_cluster", "health", _], _) => "GET",
        (["_cat" | "_cluster" | "_nodes", ..], _) => return Err(unsupported(call)),
        ([name, ..] | [_, name, ..], _) if ELASTICSEARCH_ONLY.contains(name) => {
            return Err(unsupported(call));
        }
        ([index], "PUT") if !index.starts_with('_') => return indices::create(call, index),
        ([index], "DELETE") if !index.starts_with('_') => return indices::delete(call, index),
        ([index], "GET") if !index.starts_with('_') || *index == "_all" => {
            return indices::get(call, index);
        }
        ([index], _) if !index.starts_with('_') => "GET, HEAD, PUT, DELETE",
        _ => {
            return Err(EsError::new(
                400,
                "illegal_argument_exception",
                format!(
                    "no handler found for uri [/{}] and method [{}]",
                    call.path.join("/"),
                    call.method
                ),
            ));
        }
    };
    Err(EsError::new(
        405,
        "method_not_allowed_exception",
        format!(
            "Incorrect HTTP method for uri [/{}] and method [{}], allowed: [{allowed}]",
            call.path.join("/"),
            call.method
        ),
    ))
}

fn unsupported(call: &Call<'_>) -> EsError {
    EsError::unsupported(format!("[{} /{}]", call.method, call.path.join("/")))
}
