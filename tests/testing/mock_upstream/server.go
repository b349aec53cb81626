package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
)

type options struct {
	listen        string
	tlsListen     string
	tlsCert       string
	tlsKey        string
	scriptFile    string
	http2         bool
	http2Streams  int
	exitWithStdin bool
	anyRequest    bool
	invoice       bool
}

// addresses is the ready line.
type addresses struct {
	HTTP  string `json:"http"`
	HTTPS string `json:"https,omitempty"`
	// The plaintext listener speaks HTTP/2 too.
	HTTP2 bool `json:"http2,omitempty"`
}

// server owns the listeners and what all connections share.
type server struct {
	options options
	scripts *scriptTable
	stats   *stats
	// What is billed; nil without --invoice.
	invoice *invoice
	// Serves connections that turned out to speak HTTP/2; nil without --http2.
	http2 *http2Server
	// Numbers connections from 1, so that a test can tell a retry on the same
	// connection from one on a fresh connection.
	connections atomic.Int64
}

func newServer(o options) (*server, error) {
	s := &server{options: o, scripts: newScriptTable(), stats: newStats()}
	if o.scriptFile != "" {
		data, err := os.ReadFile(o.scriptFile)
		if err != nil {
			return nil, err
		}
		if err := s.scripts.loadFile(data); err != nil {
			return nil, fmt.Errorf("%s: %w", o.scriptFile, err)
		}
	}
	if o.invoice {
		s.invoice = &invoice{}
	}
	if o.http2 {
		s.http2 = newHTTP2Server(s)
	}
	return s, nil
}

func (s *server) listen() (addresses, error) {
	var a addresses
	plain, err := net.Listen("tcp", s.options.listen)
	if err != nil {
		return a, err
	}
	a.HTTP = plain.Addr().String()
	a.HTTP2 = s.options.http2 && canHTTP2Cleartext
	if s.options.tlsListen != "" {
		config, err := s.tlsConfig()
		if err != nil {
			return a, err
		}
		secure, err := net.Listen("tcp", s.options.tlsListen)
		if err != nil {
			return a, err
		}
		a.HTTPS = secure.Addr().String()
		go s.accept(secure, config)
	}
	go s.accept(plain, nil)
	return a, nil
}

func (s *server) tlsConfig() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(s.options.tlsCert, s.options.tlsKey)
	if err != nil {
		return nil, err
	}
	protocols := []string{"http/1.1"}
	if s.options.http2 {
		protocols = []string{"h2", "http/1.1"}
	}
	return &tls.Config{
		Certificates: []tls.Certificate{pair},
		NextProtos:   protocols,
	}, nil
}

func (s *server) accept(l net.Listener, config *tls.Config) {
	for {
		c, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // Out of descriptors, say: the next may succeed.
		}
		go s.serve(c.(*net.TCPConn), config)
	}
}

// serve runs one connection from handshake to close.
func (s *server) serve(tcp *net.TCPConn, config *tls.Config) {
	id := s.connections.Add(1)
	s.stats.connectionOpened()
	var c net.Conn = tcp
	if config != nil {
		secure := tls.Server(tcp, config)
		if err := secure.Handshake(); err != nil {
			s.stats.handshakeFailed(err)
			tcp.Close()
			s.stats.connectionClosed()
			return
		}
		if secure.ConnectionState().NegotiatedProtocol == "h2" {
			s.http2.adopt(secure, id)
			return
		}
		c = secure
	}
	newHTTP1Conn(s, c, tcp, id).run()
}

// handle is what both protocols do once a request has arrived.
func (s *server) handle(x exchange, r *request) outcome {
	if isControl(r.path) {
		return s.control(x, r)
	}
	return s.perform(x, r)
}
