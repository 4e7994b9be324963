//! A web server with a few files, for programs that fetch them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

type Files = Arc<Mutex<HashMap<String, Arc<[u8]>>>>;

/// The files, served at a port of this machine until this is dropped.
#[derive(Debug)]
pub struct FileServer {
    port: u16,
    files: Files,
    task: tokio::task::JoinHandle<()>,
}

impl FileServer {
    /// Without a file yet.
    ///
    /// # Panics
    ///
    /// When no port is free.
    pub async fn open() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let files = Files::default();
        let served = Arc::clone(&files);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(hand_out(stream, Arc::clone(&served)));
            }
        });
        Self { port, files, task }
    }

    /// Where that file is fetched.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}", self.port)
    }

    /// Puts a file there, in the place of the one with that name.
    pub fn put(&self, name: &str, content: impl Into<Arc<[u8]>>) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert(format!("/{name}"), content.into());
    }
}

impl Drop for FileServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers one request; a client that goes away has its reasons.
async fn hand_out(mut stream: TcpStream, files: Files) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read_buf(&mut request).await {
            Ok(read) if read > 0 => {}
            _ => return,
        }
    }
    let request = String::from_utf8_lossy(&request);
    let path = request.split(' ').nth(1).unwrap_or_default();
    let file = files.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
    let (status, content) = match &file {
        Some(content) => ("200 OK", &content[..]),
        None => ("404 Not Found", &[][..]),
    };
    let length = content.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    if stream.write_all(head.as_bytes()).await.is_ok() {
        let _ = stream.write_all(content).await;
    }
}
