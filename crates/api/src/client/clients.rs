//! Clients, their tokens, invitations, the audit log.

use domain::audit::AuditEntry;
use domain::ids::{ClientId, TokenId};
use reqwest::Method;

use super::{Client, ClientError};
use crate::{
    ClientInfo, ClientPatch, CreatedToken, NewClient, NewInvitation, NewToken, Page, PageQuery,
    Registered, TokenInfo, UsageInfo, UsageQuery,
};

impl Client {
    /// Registers a client. With `registration: open` no token is needed, with `invite` an invitation's, else an admin's.
    pub async fn register(&self, client: &NewClient) -> Result<Registered, ClientError> {
        self.json(self.request(Method::POST, &["v1", "clients"]).json(client))
            .await
    }

    /// All clients; admins only.
    pub async fn clients(&self, page: &PageQuery) -> Result<Page<ClientInfo>, ClientError> {
        self.json(self.request(Method::GET, &["v1", "clients"]).query(page))
            .await
    }

    /// A client's profile.
    pub async fn client(&self, client: &ClientId) -> Result<ClientInfo, ClientError> {
        self.json(self.request(Method::GET, &["v1", "clients", client.as_str()]))
            .await
    }

    /// What a client's runs have used, day by day.
    pub async fn usage(
        &self,
        client: &ClientId,
        days: &UsageQuery,
    ) -> Result<UsageInfo, ClientError> {
        let request = self.request(Method::GET, &["v1", "clients", client.as_str(), "usage"]);
        self.json(request.query(days)).await
    }

    /// Changes a client's profile.
    pub async fn update_client(
        &self,
        client: &ClientId,
        patch: &ClientPatch,
    ) -> Result<ClientInfo, ClientError> {
        self.json(
            self.request(Method::PATCH, &["v1", "clients", client.as_str()])
                .json(patch),
        )
        .await
    }

    /// Removes a client with its jobs, files and tokens; its documents stay. Admins only; not while runs are under way.
    pub async fn delete_client(&self, client: &ClientId) -> Result<(), ClientError> {
        self.done(self.request(Method::DELETE, &["v1", "clients", client.as_str()]))
            .await
    }

    /// A client's tokens.
    pub async fn tokens(
        &self,
        client: &ClientId,
        page: &PageQuery,
    ) -> Result<Page<TokenInfo>, ClientError> {
        self.json(
            self.request(Method::GET, &["v1", "clients", client.as_str(), "tokens"])
                .query(page),
        )
        .await
    }

    /// Makes a token of a client. Its secret is in the answer and nowhere else.
    pub async fn create_token(
        &self,
        client: &ClientId,
        token: &NewToken,
    ) -> Result<CreatedToken, ClientError> {
        self.json(
            self.request(Method::POST, &["v1", "clients", client.as_str(), "tokens"])
                .json(token),
        )
        .await
    }

    /// Revokes a token, for good.
    pub async fn revoke_token(
        &self,
        client: &ClientId,
        token: &TokenId,
    ) -> Result<(), ClientError> {
        self.done(self.request(
            Method::DELETE,
            &["v1", "clients", client.as_str(), "tokens", token.as_str()],
        ))
        .await
    }

    /// The invitations that were made; admins only.
    pub async fn invitations(&self, page: &PageQuery) -> Result<Page<TokenInfo>, ClientError> {
        self.json(
            self.request(Method::GET, &["v1", "invitations"])
                .query(page),
        )
        .await
    }

    /// Makes an invitation; admins only.
    pub async fn invite(&self, invitation: &NewInvitation) -> Result<CreatedToken, ClientError> {
        self.json(
            self.request(Method::POST, &["v1", "invitations"])
                .json(invitation),
        )
        .await
    }

    /// Withdraws an invitation; admins only.
    pub async fn withdraw_invitation(&self, invitation: &TokenId) -> Result<(), ClientError> {
        self.done(self.request(Method::DELETE, &["v1", "invitations", invitation.as_str()]))
            .await
    }

    /// The audit log, the newest entry first: a client its own, an admin all.
    pub async fn audit(&self, page: &PageQuery) -> Result<Page<AuditEntry>, ClientError> {
        self.json(self.request(Method::GET, &["v1", "audit"]).query(page))
            .await
    }
}
