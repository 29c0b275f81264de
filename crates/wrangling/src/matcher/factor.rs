//! Alternatives that begin alike, as one beginning with alternatives after it: `[0-9]+:a|[0-9]+:b` as `[0-9]+:(?:a|b)`.
//!
//! Only a beginning that matches in one way is taken out: with several ways, the order in which they are tried would change.

use super::set::First;
use super::syntax::{Repeat, Tree};

/// Repetitions are written out up to this length.
const MAX_ITEMS: usize = 64;

/// A choice between branches.
pub(super) fn choice(branches: &[Tree]) -> Tree {
    let branches = branches.iter().map(|branch| {
        let mut items = Vec::new();
        flatten(branch, &mut items);
        items
    });
    factored(branches.collect())
}

/// A branch as a list, with repetitions of a fixed number written out.
fn flatten(tree: &Tree, items: &mut Vec<Tree>) {
    match tree {
        Tree::Empty => {}
        Tree::Sequence(inner) => inner.iter().for_each(|tree| flatten(tree, items)),
        Tree::Repeat(inner, Repeat { min, max, .. })
            if *max == Some(*min)
                && matches!(**inner, Tree::Sequence(_))
                && items.len() + *min as usize <= MAX_ITEMS =>
        {
            for _ in 0..*min {
                flatten(inner, items);
            }
        }
        other => items.push(other.clone()),
    }
}

fn factored(mut branches: Vec<Vec<Tree>>) -> Tree {
    let mut choices = Vec::new();
    while !branches.is_empty() {
        let unit = branches.first().map_or(0, |first| unit(first));
        let beginning: Vec<Tree> = branches
            .first()
            .and_then(|first| first.get(..unit))
            .unwrap_or_default()
            .to_vec();
        let alike = branches
            .iter()
            .take_while(|branch| unit > 0 && branch.starts_with(&beginning))
            .count();
        let rest = branches.split_off(alike.max(1));
        let mut group = std::mem::replace(&mut branches, rest);
        if group.len() > 1 {
            for branch in &mut group {
                branch.drain(..unit);
            }
            let mut items = beginning;
            items.push(factored(group));
            choices.push(Tree::Sequence(items));
        } else {
            choices.extend(group.into_iter().map(Tree::Sequence));
        }
    }
    match choices.pop() {
        Some(only) if choices.is_empty() => only,
        Some(last) => {
            choices.push(last);
            Tree::Choice(choices)
        }
        None => Tree::Empty,
    }
}

/// How many items from the first on match in one way only.
fn unit(items: &[Tree]) -> usize {
    match items {
        [Tree::Literal(_) | Tree::Set(_), ..] => 1,
        [Tree::Repeat(inner, _), next, ..] => match &**inner {
            Tree::Set(set) if begins(next).is_some_and(|next| !next.meets(&set.first())) => 2,
            _ => 0,
        },
        _ => 0,
    }
}

/// What an item that takes something begins with.
fn begins(item: &Tree) -> Option<First> {
    match item {
        Tree::Set(set) => Some(set.first()),
        Tree::Literal(text) => {
            let mut first = First::default();
            first.add(text.bytes().next()?);
            Some(first)
        }
        _ => None,
    }
}
