//go:build !go1.24

package main

import "net/http"

// allowCleartext does nothing: this standard library speaks HTTP/2 over TLS
// alone, and closes a plaintext connection that tries.
func allowCleartext(*http.Server) {}
