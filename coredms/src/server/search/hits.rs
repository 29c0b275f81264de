//! Carries out a search over some indices.

use super::{
    aggs::{self, Partial},
    column::Key,
    request::{Request, Track},
    sort::{self, Keys, Sort},
};
use crate::server::{
    error::EsResult,
    mapping::Mapping,
    query::{Context, compile},
    store::{Index, load},
};
use serde::Serialize;
use serde_json::{Map, Value, json, value::RawValue};
use std::{collections::BinaryHeap, sync::Arc};
use tantivy::{
    DocAddress, DocId, Searcher, SegmentReader,
    query::{EnableScoring, Weight},
};

/// One hit of the answer.
#[derive(Debug, Serialize)]
pub struct Hit {
    #[serde(rename = "_index")]
    index: String,
    #[serde(rename = "_id")]
    id: String,
    #[serde(rename = "_version", skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(rename = "_seq_no", skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(rename = "_primary_term", skip_serializing_if = "Option::is_none")]
    term: Option<u64>,
    #[serde(rename = "_score")]
    score: Option<f64>,
    #[serde(rename = "_source", skip_serializing_if = "Option::is_none")]
    source: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sort: Option<Vec<Value>>,
}

/// `hits` and `aggregations` of the answer.
#[derive(Debug, Serialize)]
pub struct Hits {
    /// The part under `hits`.
    pub hits: HitList,
    /// The part under `aggregations`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregations: Option<Map<String, Value>>,
}

/// Totals and hits.
#[derive(Debug, Serialize)]
pub struct HitList {
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<Value>,
    max_score: Option<f64>,
    hits: Vec<Hit>,
}

/// An index under search.
struct Target {
    index: Arc<Index>,
    searcher: Searcher,
    mapping: Arc<Mapping>,
}

/// A document that may become a hit.
struct Candidate {
    keys: Vec<Key>,
    target: usize,
    address: DocAddress,
    score: f32,
}

/// Carries out `request` over `indices`.
///
/// # Errors
/// When a query, sort or aggregation does not fit one of the indices.
pub fn search(indices: Vec<Arc<Index>>, request: &Request, now_ms: i64) -> EsResult<Hits> {
    let by_score = [Sort::named("_score")];
    let sorts: &[Sort] = if request.sort.is_empty() {
        &by_score
    } else {
        &request.sort
    };
    let scored = request.size > 0 && sorts.iter().any(|sort| sort.field == "_score");
    let wanted = if request.size == 0 {
        0
    } else {
        request.from + request.size
    };
    let mut targets = Vec::new();
    let (mut total, mut candidates) = (0, Vec::new());
    let mut partials: Vec<Option<Partial>> = request.aggregations.iter().map(|_| None).collect();
    let mut position = 0;
    for index in indices {
        let name = index.name();
        let (searcher, mapping) = (index.searcher()?, index.mapping());
        let outcome = (|| {
            let query = compile(Context::new(&mapping, now_ms), &request.query)?;
            let scoring = if scored {
                EnableScoring::enabled_from_searcher(&searcher)
            } else {
                EnableScoring::disabled_from_searcher(&searcher)
            };
            let weight = query.weight(scoring)?;
            for (ordinal, segment) in searcher.segment_readers().iter().enumerate() {
                let keys = Keys::open(
                    sorts,
                    request.search_after.as_deref(),
                    segment,
                    &mapping,
                    position,
                )?;
                position += 1;
                let mut top = Top::new(wanted);
                let mut docs = Vec::new();
                let aggregate = !request.aggregations.is_empty();
                each(&*weight, segment, scored, &mut |doc, score| {
                    total += 1;
                    if aggregate {
                        docs.push(doc);
                    }
                    top.offer(&keys, doc, score);
                })?;
                for (partial, (_, aggregation)) in partials.iter_mut().zip(&request.aggregations) {
                    let found = aggs::collect(aggregation, segment, &mapping, &docs)?;
                    *partial = Some(match partial.take() {
                        None => found,
                        Some(before) => before.merge(found, aggregation),
                    });
                }
                for (local, doc, score) in top.into_vec() {
                    let address = DocAddress::new(ordinal as u32, doc);
                    candidates.push(Candidate {
                        keys: keys.decode(&local)?,
                        target: targets.len(),
                        address,
                        score,
                    });
                }
            }
            // An index without segments must still refuse what its mapping cannot do.
            aggs::check(&request.aggregations, &mapping)
        })();
        outcome.map_err(|error| error.about(&name))?;
        targets.push(Target {
            index,
            searcher,
            mapping,
        });
    }
    candidates.sort_by(|a, b| {
        sort::compare(sorts, &a.keys, &b.keys)
            .then((a.target, a.address).cmp(&(b.target, b.address)))
    });
    let max_score = candidates
        .iter()
        .map(|c| f64::from(c.score))
        .reduce(f64::max)
        .filter(|_| scored);
    let shown_sorts = (!request.sort.is_empty()).then_some(sorts);
    let hits = candidates
        .into_iter()
        .take(wanted)
        .skip(request.from)
        .map(|candidate| {
            hit(
                request,
                &targets[candidate.target],
                &candidate,
                scored,
                shown_sorts,
            )
        })
        .collect::<EsResult<Vec<_>>>()?;
    let mappings: Vec<_> = targets.iter().map(|target| &*target.mapping).collect();
    let aggregations = if request.aggregations.is_empty() || targets.is_empty() {
        None
    } else {
        Some(aggs::render_all(
            &request.aggregations,
            partials,
            &mappings,
        )?)
    };
    Ok(Hits {
        hits: HitList {
            total: total_json(request, total),
            max_score,
            hits,
        },
        aggregations,
    })
}

fn each(
    weight: &dyn Weight,
    segment: &SegmentReader,
    scored: bool,
    found: &mut dyn FnMut(DocId, f32),
) -> EsResult<()> {
    let alive = segment.alive_bitset();
    let is_alive = |doc: DocId| alive.is_none_or(|alive| alive.is_alive(doc));
    if scored {
        weight.for_each(segment, &mut |doc, score| {
            if is_alive(doc) {
                found(doc, score);
            }
        })?;
    } else {
        weight.for_each_no_score(segment, &mut |docs| {
            for doc in docs.iter().copied().filter(|doc| is_alive(*doc)) {
                found(doc, 0.0);
            }
        })?;
    }
    Ok(())
}

/// The best documents of one segment.
struct Top {
    limit: usize,
    heap: BinaryHeap<(Vec<u64>, DocId, u32)>,
    buffer: Vec<u64>,
}

impl Top {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            heap: BinaryHeap::new(),
            buffer: Vec::new(),
        }
    }

    fn offer(&mut self, keys: &Keys, doc: DocId, score: f32) {
        if self.limit == 0 || !keys.read(doc, score, &mut self.buffer) {
            return;
        }
        if self.heap.len() == self.limit {
            match self.heap.peek() {
                Some((worst, ..)) if *worst > self.buffer => drop(self.heap.pop()),
                _ => return,
            }
        }
        self.heap.push((self.buffer.clone(), doc, score.to_bits()));
    }

    fn into_vec(self) -> Vec<(Vec<u64>, DocId, f32)> {
        self.heap
            .into_iter()
            .map(|(keys, doc, bits)| (keys, doc, f32::from_bits(bits)))
            .collect()
    }
}

fn hit(
    request: &Request,
    target: &Target,
    candidate: &Candidate,
    scored: bool,
    sorts: Option<&[Sort]>,
) -> EsResult<Hit> {
    let (id, stored) = load(&target.searcher, candidate.address)?;
    let sort = sorts.map(|sorts| {
        sorts
            .iter()
            .zip(&candidate.keys)
            .map(|(sort, key)| sort::render(sort, key, &target.mapping))
            .collect()
    });
    Ok(Hit {
        index: target.index.name(),
        id,
        version: request.version.then_some(stored.version),
        seq: request.seq_no.then_some(stored.seq),
        term: request.seq_no.then_some(1),
        score: scored.then_some(f64::from(candidate.score)),
        source: request.source.apply(&stored.source)?,
        sort,
    })
}

fn total_json(request: &Request, total: u64) -> Option<Value> {
    if request.total_as_int {
        return Some(json!(total));
    }
    match request.track {
        Track::No => None,
        Track::UpTo(limit) if total > limit => Some(json!({ "value": limit, "relation": "gte" })),
        _ => Some(json!({ "value": total, "relation": "eq" })),
    }
}
