//! One connection through the proxy.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    thread,
};

use super::{Fault, Protocol, Shared, cut};
use crate::http::{Kind, Reader, go_on};

/// Serves one client until either side ends or a fault cuts the line.
pub fn serve(client: &TcpStream, shared: &Shared) -> io::Result<()> {
    client.set_nodelay(true)?;
    if !shared.remember(client)? {
        return Ok(());
    }
    match shared.protocol {
        Protocol::Http => serve_http(client, shared),
        Protocol::Any => serve_any(client, shared),
    }
}

fn connect(shared: &Shared) -> io::Result<TcpStream> {
    let server = TcpStream::connect(shared.upstream)?;
    server.set_nodelay(true)?;
    if shared.remember(&server)? {
        Ok(server)
    } else {
        Err(io::ErrorKind::ConnectionAborted.into())
    }
}

fn serve_http(client: &TcpStream, shared: &Shared) -> io::Result<()> {
    let mut requests = Reader::new(client);
    let mut server: Option<(TcpStream, Reader<TcpStream>)> = None;
    let mut to_client = client;
    while let Some(request) = requests.next(Kind::Request, |head| go_on(client, head))? {
        let (method, target) = request.target();
        let to_head = method == "HEAD";
        let fault = shared.decide(method, target);
        if let Fault::Status(status) = fault {
            to_client.write_all(refusal(status, to_head).as_bytes())?;
            continue;
        }
        if let Fault::Delay(time) = fault {
            thread::sleep(time);
        }
        let (stream, answers) = match &mut server {
            Some(server) => server,
            none => {
                let stream = connect(shared)?;
                let answers = Reader::new(stream.try_clone()?);
                none.insert((stream, answers))
            }
        };
        if let Fault::CutRequest(after) = fault {
            stream.write_all(&request.wire[..after.min(request.wire.len())])?;
            cut(stream);
            return Ok(());
        }
        stream.write_all(request.wire)?;
        let Some(answer) = final_answer(answers, to_head)? else {
            return Ok(());
        };
        if let Fault::CutAnswer(after) = fault {
            to_client.write_all(&answer[..after.min(answer.len())])?;
            cut(stream);
            return Ok(());
        }
        to_client.write_all(&answer)?;
    }
    if let Some((stream, _)) = server {
        cut(&stream);
    }
    Ok(())
}

/// The next answer that is not an interim one; the client has had its `100 Continue` from the proxy.
fn final_answer(answers: &mut Reader<TcpStream>, to_head: bool) -> io::Result<Option<Vec<u8>>> {
    loop {
        match answers.next(Kind::Answer { to_head }, |_| Ok(()))? {
            Some(answer) if answer.wire.starts_with(b"HTTP/1.1 1") => {}
            answer => return Ok(answer.map(|answer| answer.wire.to_vec())),
        }
    }
}

/// What the proxy answers itself, in Elasticsearch's manner.
fn refusal(status: u16, to_head: bool) -> String {
    let body = format!(
        r#"{{"error":{{"type":"injected_fault","reason":"the test's proxy refused this"}},"status":{status}}}"#
    );
    format!(
        "HTTP/1.1 {status} Injected\r\nx-elastic-product: Elasticsearch\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{}",
        body.len(),
        if to_head { "" } else { &body }
    )
}

fn serve_any(client: &TcpStream, shared: &Shared) -> io::Result<()> {
    let fault = shared.decide(String::new(), String::new());
    let (to_server, to_client) = match fault {
        Fault::Status(_) => return Ok(()),
        Fault::Delay(time) => {
            thread::sleep(time);
            (usize::MAX, usize::MAX)
        }
        Fault::Pass => (usize::MAX, usize::MAX),
        Fault::CutRequest(after) => (after, usize::MAX),
        Fault::CutAnswer(after) => (usize::MAX, after),
    };
    let server = connect(shared)?;
    thread::scope(|scope| {
        scope.spawn(|| pump(client, &server, to_server));
        pump(&server, client, to_client);
    });
    Ok(())
}

/// Copies at most `limit` bytes, then ends both sides: half-open connections are not worth telling apart in tests.
fn pump(mut from: &TcpStream, mut to: &TcpStream, mut limit: usize) {
    let mut buffer = [0; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let passed = read.min(limit);
        limit -= passed;
        if to.write_all(&buffer[..passed]).is_err() || passed < read {
            break;
        }
    }
    cut(from);
    cut(to);
}
