//go:build go1.24

package main

import "net/http"

const canHTTP2Cleartext = true

// configureHTTP2 lets HTTP/2 be spoken by prior knowledge without TLS, and
// limits the streams of a connection.
func configureHTTP2(s *http.Server, o options) {
	var p http.Protocols
	p.SetHTTP1(true)
	p.SetHTTP2(true)
	p.SetUnencryptedHTTP2(true)
	s.Protocols = &p
	if o.http2Streams > 0 {
		s.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: o.http2Streams}
	}
}
