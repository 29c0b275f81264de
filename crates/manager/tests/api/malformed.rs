//! Whatever comes in, what goes out is a problem document, and the next request is answered.

use serde_json::Value;

use crate::support::{SPEC, Server, stable};

struct Case {
    name: &'static str,
    method: &'static str,
    path: &'static str,
    content_type: Option<&'static str>,
    body: Vec<u8>,
    expected: (u16, &'static str),
}

fn case(
    name: &'static str,
    (method, path): (&'static str, &'static str),
    content_type: Option<&'static str>,
    body: impl Into<Vec<u8>>,
    expected: (u16, &'static str),
) -> Case {
    Case {
        name,
        method,
        path,
        content_type,
        body: body.into(),
        expected,
    }
}

const JSON: Option<&str> = Some("application/json");
const YAML: Option<&str> = Some("application/yaml; charset=utf-8");
const REGISTER: (&str, &str) = ("POST", "/v1/clients");
const PUT: (&str, &str) = ("PUT", "/v1/clients/acme/jobs/flights");

fn cases() -> Vec<Case> {
    let deep_json = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let laughs = (1..9).fold("a0: &a0 [x, x]\n".to_owned(), |yaml, i| {
        let inner = vec![format!("*a{}", i - 1); 10].join(", ");
        format!("{yaml}a{i}: &a{i} [{inner}]\n")
    });
    vec![
        case("no body", REGISTER, JSON, "", (400, "malformed_body")),
        case("no json", REGISTER, JSON, "{", (400, "malformed_body")),
        case(
            "trailing",
            REGISTER,
            JSON,
            "{\"id\":\"x\"} x",
            (400, "malformed_body"),
        ),
        case(
            "no utf-8",
            REGISTER,
            JSON,
            b"{\"id\":\"\xff\"}".to_vec(),
            (400, "malformed_body"),
        ),
        case(
            "unknown field",
            REGISTER,
            JSON,
            "{\"id\":\"x\",\"colour\":1}",
            (400, "malformed_body"),
        ),
        case(
            "wrong type",
            REGISTER,
            JSON,
            "{\"id\":5}",
            (400, "malformed_body"),
        ),
        case(
            "bad id",
            REGISTER,
            JSON,
            "{\"id\":\"../x\"}",
            (400, "malformed_body"),
        ),
        case(
            "no content type",
            REGISTER,
            None,
            "{\"id\":\"x\"}",
            (415, "unsupported_media_type"),
        ),
        case(
            "yaml where only json goes",
            REGISTER,
            YAML,
            "id: x",
            (415, "unsupported_media_type"),
        ),
        case(
            "xml",
            PUT,
            Some("application/xml"),
            "<x/>",
            (415, "unsupported_media_type"),
        ),
        case(
            "a body of 1 MiB and a byte",
            PUT,
            JSON,
            vec![b' '; (1 << 20) + 1],
            (413, "body_too_large"),
        ),
        case("deep json", PUT, JSON, deep_json, (400, "malformed_body")),
        case("billion laughs", PUT, YAML, laughs, (400, "malformed_body")),
        case("a list", PUT, JSON, "[]", (422, "invalid_spec")),
        case("null", PUT, JSON, "null", (422, "invalid_spec")),
        case(
            "keys that are no texts",
            PUT,
            YAML,
            "1: x\n",
            (422, "invalid_spec"),
        ),
        case(
            "an alias to nothing",
            PUT,
            YAML,
            "a: *b",
            (400, "malformed_body"),
        ),
        case(
            "id with capitals",
            ("PUT", "/v1/clients/acme/jobs/Flights"),
            JSON,
            SPEC,
            (400, "invalid_id"),
        ),
        case(
            "id with path characters",
            ("PUT", "/v1/clients/acme/jobs/..%2Fx"),
            JSON,
            SPEC,
            (400, "invalid_id"),
        ),
        case(
            "id with a NUL",
            ("PUT", "/v1/clients/acme/jobs/a%00b"),
            JSON,
            SPEC,
            (400, "invalid_id"),
        ),
        case(
            "run id",
            ("GET", "/v1/clients/acme/jobs/flights/runs/latest"),
            None,
            "",
            (400, "invalid_id"),
        ),
        case(
            "unknown parameter",
            ("GET", "/v1/clients/acme/jobs?lmit=1"),
            None,
            "",
            (400, "invalid_parameter"),
        ),
        case(
            "limit that is no number",
            ("GET", "/v1/clients/acme/jobs?limit=x"),
            None,
            "",
            (400, "invalid_parameter"),
        ),
        case(
            "no such route",
            ("GET", "/v2/clients"),
            None,
            "",
            (404, "no_such_route"),
        ),
        case(
            "no such method",
            ("PUT", "/v1/clients"),
            JSON,
            "{}",
            (405, "method_not_allowed"),
        ),
        case(
            "search by a list",
            ("POST", "/v1/clients/acme/jobs/flights/search"),
            JSON,
            "[]",
            (400, "malformed_body"),
        ),
    ]
}

#[tokio::test]
async fn every_malformed_request_gets_a_problem_document() {
    let server = Server::start().await;
    server.with_job("acme/flights").await;
    for case in cases() {
        let mut request = server
            .request(case.method, case.path, Some(&server.admin_token))
            .body(case.body);
        if let Some(content_type) = case.content_type {
            request = request.header("content-type", content_type);
        }
        let (status, headers, body) = server.raw(request).await;
        let code = body["code"].as_str().unwrap_or_default();
        assert_eq!((status, code), case.expected, "{}: {body}", case.name);
        assert_eq!(
            headers["content-type"], "application/problem+json",
            "{}",
            case.name
        );
        assert_eq!(
            body["request_id"].as_str(),
            headers["x-request-id"].to_str().ok(),
            "{}",
            case.name
        );
        assert_eq!(body["status"], status, "{}", case.name);
    }
    server.admin.healthy().await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn problem_documents_look_like_this() {
    let server = Server::with("[plans.default]\nmax_jobs = 0").await;
    server.register("acme").await;
    let token = Some(server.admin_token.as_str());
    let put = |body: &'static str| {
        server
            .request("PUT", "/v1/clients/acme/jobs/flights", token)
            .header("content-type", "application/json")
            .body(body)
    };
    let mut seen = Vec::new();
    for request in [
        server.request("GET", "/v1/clients/acme", None),
        server.request("GET", "/v1/clients/acme/jobs/flights", token),
        server.request("DELETE", "/v1/audit", token),
        put("{\"mode\":\"batch\",\"colour\":1}"),
        put(SPEC),
    ] {
        seen.push(stable(server.raw(request).await.2));
    }
    insta::assert_json_snapshot!(seen);
    server.stop().await;
}

#[tokio::test]
async fn a_request_id_is_taken_over_if_it_is_sane() {
    let server = Server::start().await;
    for (given, taken) in [
        ("abc-1.2_3:4", true),
        ("a b", false),
        ("<script>", false),
        (&*"x".repeat(65), false),
    ] {
        let (_, headers, _) = server
            .raw(
                server
                    .request("GET", "/healthz", None)
                    .header("x-request-id", given),
            )
            .await;
        assert_eq!(headers["x-request-id"] == given, taken, "{given}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_method_that_is_not_taken_is_answered_with_those_that_are() {
    let server = Server::start().await;
    let (_, headers, body) = server
        .raw(server.request("PATCH", "/v1/clients", None))
        .await;
    let mut allowed: Vec<_> = headers["allow"].to_str().unwrap().split(", ").collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "POST"], "{body}");
    assert_ne!(body, Value::Null);
    server.stop().await;
}
