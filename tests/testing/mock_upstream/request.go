package main

import "net/http"

// request is a request that has arrived completely.
type request struct {
	method string
	path   string // decoded
	query  string
	proto  string
	header http.Header
	// The bytes as they came; over HTTP/2, as they would have come over 1.1.
	head []byte
	body []byte

	connection int64 // which connection brought it
	reused     bool  // that connection had brought another before
	secure     bool
	plain      bool // nothing about it forbids the prebuilt answer
}

func (r *request) headerValue(name string) string {
	return r.header.Get(name)
}
