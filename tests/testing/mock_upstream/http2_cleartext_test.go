//go:build go1.24

package main

import (
	"net/http"
	"testing"
)

func TestPlaintextSpeaksBothByPriorKnowledge(t *testing.T) {
	m := startMock(t, options{http2: true})
	if r := m.chat("m", ""); r.err != nil || r.Proto != "HTTP/1.1" {
		t.Error(r.err, r.Proto)
	}
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &p}
	t.Cleanup(transport.CloseIdleConnections)
	m.client.Transport = transport
	for _, more := range []string{"", streamed} {
		if r := m.chat("m", more); r.err != nil || r.Proto != "HTTP/2.0" {
			t.Error(r.err, r.Proto)
		}
	}
	if n := m.figure("m", "served"); n != 3 {
		t.Errorf("served %d", n)
	}
}
