//! Samples of staged files.

use domain::staging::{StagingArea, StagingError};

use crate::home::Home;

#[tokio::test]
async fn a_sample_is_the_beginning_of_a_file_and_of_nothing_else() {
    let home = Home::new().await;
    home.put("a.csv", "0123456789");
    let to = home.folder.path().join("sample");
    let whole = home
        .staging
        .sample(&home.job, "a.csv", 4, &to)
        .await
        .unwrap();
    assert!(!whole);
    assert_eq!(std::fs::read(&to).unwrap(), b"0123");
    std::fs::remove_file(&to).unwrap();
    assert!(
        home.staging
            .sample(&home.job, "a.csv", 10, &to)
            .await
            .unwrap()
    );
    std::fs::remove_file(&to).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", home.path("link.csv")).unwrap();
    for name in ["link.csv", "b.csv", "done", ".incoming", "../x", ""] {
        let refused = home.staging.sample(&home.job, name, 4, &to).await;
        assert!(matches!(refused, Err(StagingError::NotFound(_))), "{name}");
    }
}
