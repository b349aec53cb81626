//go:build !go1.24

package main

import "net/http"

const canHTTP2Cleartext = false

// configureHTTP2 does nothing: this standard library speaks HTTP/2 over TLS
// alone, closes a plaintext connection that tries, and has a limit of streams
// of its own.
func configureHTTP2(*http.Server, options) {}
