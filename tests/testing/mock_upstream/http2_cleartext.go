//go:build go1.24

package main

import "net/http"

// allowCleartext lets HTTP/2 be spoken by prior knowledge without TLS.
func allowCleartext(s *http.Server) {
	var p http.Protocols
	p.SetHTTP1(true)
	p.SetHTTP2(true)
	p.SetUnencryptedHTTP2(true)
	s.Protocols = &p
}
