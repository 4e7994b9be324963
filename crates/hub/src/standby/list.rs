//! The list of members that a backup gets: the accounts, signed by the team's identity.
//!
//! It contains keyed hashes and the key of these hashes, with which the backup checks a login. Nobody can log in with
//! them: a secret has 160 random bits, and none is in the list.

use super::{StandbyError, damaged};
use crate::accounts::Accounts;
use crate::certificate::Certificate;
use data_encoding::BASE64URL_NOPAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};
use x509_parser::parse_x509_certificate;

/// What is signed before the list, so that no signature of another purpose passes for one of a list.
const PURPOSE: &[u8] = b"porchlight member list 1\n";

/// A list and its signature (ECDSA, P-256 and SHA-256).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SignedList {
    /// The accounts as JSON.
    accounts: String,
    /// ASN.1 DER in base64url.
    signature: String,
}

impl SignedList {
    pub(super) fn sign(accounts: &Accounts, identity: &Certificate) -> Result<Self, StandbyError> {
        let accounts = serde_json::to_string(accounts).map_err(damaged)?;
        let key = PrivatePkcs8KeyDer::from_pem_slice(identity.key.as_bytes()).map_err(damaged)?;
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let key = EcdsaKeyPair::from_pkcs8(algorithm, key.secret_pkcs8_der(), &random);
        let signed = key.map_err(damaged)?.sign(&random, &signed_bytes(&accounts));
        let signature = signed.map_err(|_| damaged("the list can't be signed"))?;
        Ok(Self { accounts, signature: BASE64URL_NOPAD.encode(signature.as_ref()) })
    }

    pub(super) fn verify(self, identity: &CertificateDer<'_>) -> Result<Accounts, StandbyError> {
        let (_, identity) = parse_x509_certificate(identity).map_err(damaged)?;
        let key = &identity.public_key().subject_public_key.data;
        let signature = BASE64URL_NOPAD.decode(self.signature.as_bytes()).map_err(damaged)?;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key)
            .verify(&signed_bytes(&self.accounts), &signature)
            .map_err(|_| damaged("the list of members is not signed by the team"))?;
        serde_json::from_str(&self.accounts).map_err(damaged)
    }
}

fn signed_bytes(accounts: &str) -> Vec<u8> {
    [PURPOSE, accounts.as_bytes()].concat()
}
