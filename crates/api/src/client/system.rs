//! The platform itself: is it alive, is it ready, which plans are there.

use domain::audit::Actor;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::{Client, ClientError};
use crate::{PlanInfo, Ready};

impl Client {
    /// Whether the manager answers.
    pub async fn healthy(&self) -> Result<(), ClientError> {
        self.done(self.request(Method::GET, &["healthz"])).await
    }

    /// Whether the platform is ready, part by part.
    pub async fn ready(&self) -> Result<Ready, ClientError> {
        let request = self.request(Method::GET, &["readyz"]);
        let response = request.send().await.map_err(|e| self.broken(&e))?;
        if response.status() == StatusCode::SERVICE_UNAVAILABLE || response.status().is_success() {
            return self.read_json(response).await;
        }
        Err(self.refusal(response).await)
    }

    /// Whose the token is.
    pub async fn whoami(&self) -> Result<Actor, ClientError> {
        self.json(self.request(Method::GET, &["v1", "whoami"]))
            .await
    }

    /// The operator's plans.
    pub async fn plans(&self) -> Result<Vec<PlanInfo>, ClientError> {
        let page: crate::Page<PlanInfo> = self
            .json(self.request(Method::GET, &["v1", "plans"]))
            .await?;
        Ok(page.items)
    }

    /// The API's description (OpenAPI 3.1).
    pub async fn openapi(&self) -> Result<Value, ClientError> {
        self.json(self.request(Method::GET, &["v1", "openapi.json"]))
            .await
    }
}
