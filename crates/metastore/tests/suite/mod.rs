//! One suite for every metadata store: what `domain::store::MetadataStore` promises, whichever adapter keeps the promise.
//! A further backend is a test target with its `Backend` and one line: `suite!(ThatBackend);`.

pub mod audit;
pub mod backend;
pub mod documents;
pub mod faults;
pub mod listing;
pub mod values;

/// One test: opens the backend (unless it is switched off by name), runs the case, clears up.
macro_rules! case {
    ($backend:ty, $module:ident::$case:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            use crate::suite::backend::Backend;
            if let Some(backend) = <$backend>::new().await {
                crate::suite::$module::$case(&backend).await;
                backend.clear().await;
            }
        }
    };
}

/// The whole suite on one backend.
macro_rules! suite {
    ($backend:ty) => {
        case!($backend, documents::a_key_is_created_once);
        case!($backend, documents::a_replace_needs_the_current_version);
        case!(
            $backend,
            documents::exactly_one_of_many_writers_wins_each_version
        );
        case!($backend, documents::exactly_one_of_many_creators_wins);
        case!(
            $backend,
            documents::a_removed_document_is_gone_and_its_key_free
        );
        case!($backend, documents::kinds_do_not_mix);
        case!($backend, documents::everything_is_there_after_reopening);
        case!($backend, listing::keys_are_in_order_both_ways);
        case!($backend, listing::pages_join_without_gap_or_overlap);
        case!($backend, listing::owners_and_states_select);
        case!($backend, listing::five_thousand_documents_of_one_owner);
        case!($backend, listing::put_all_overwrites_and_revives);
        case!($backend, listing::put_all_of_the_same_documents_at_once);
        case!(
            $backend,
            audit::an_entry_is_stored_with_its_change_and_only_then
        );
        case!($backend, audit::entries_come_newest_first_page_by_page);
        case!($backend, audit::entries_outlive_what_they_are_about);
        case!($backend, audit::old_entries_are_removed_the_oldest_first);
        case!($backend, values::odd_keys_are_kept_apart);
        case!($backend, values::bodies_come_back_as_they_went_in);
        case!($backend, values::any_number_comes_back_as_it_went_in);
        case!($backend, values::what_could_not_be_read_again_is_refused);
        case!($backend, faults::an_unavailable_store_says_so);
        case!($backend, faults::a_ping_names_the_store);
    };
}
