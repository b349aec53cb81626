// Mock_upstream plays the vendors over HTTP from scripts, so that
// tests and benchmarks can ask of an upstream what a real one would never do
// on request: be slow, be wrong, or go away at a chosen byte.
//
// It shares no code with the gateway: a mistake in the gateway's HTTP or SSE
// code meets here a stack that does not make the same one.
//
// README.md describes the flags, the scripts and the control API.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func parseFlags(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("mock_upstream", flag.ContinueOnError)
	f.StringVar(&o.listen, "listen", "127.0.0.1:0",
		"address of the plaintext listener")
	f.StringVar(&o.tlsListen, "tls_listen", "",
		"address of the TLS listener; none if empty")
	f.StringVar(&o.tlsCert, "tls_cert", "", "certificate chain, PEM file")
	f.StringVar(&o.tlsKey, "tls_key", "", "private key, PEM file")
	f.StringVar(&o.scriptFile, "script", "", "JSON file of scripts by model")
	f.BoolVar(&o.http2, "http2", false,
		"speak HTTP/2 too: by ALPN over TLS, by prior knowledge in plaintext")
	f.IntVar(&o.http2Streams, "http2_streams", 0,
		"requests that one HTTP/2 connection may carry at a time; "+
			"0 for the library's own limit")
	f.BoolVar(&o.exitWithStdin, "exit_with_stdin", false,
		"exit when standard input closes")
	f.BoolVar(&o.anyRequest, "any_request", false,
		"answer requests that a real vendor would refuse as malformed")
	f.BoolVar(&o.invoice, "invoice", false,
		"keep what a vendor would bill, for GET /_mock/invoice")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if o.tlsListen != "" && (o.tlsCert == "" || o.tlsKey == "") {
		return o, fmt.Errorf("--tls_listen needs --tls_cert and --tls_key")
	}
	return o, nil
}

func serveUntilStopped(args []string, stdout io.Writer) error {
	o, err := parseFlags(args)
	if err != nil {
		return err
	}
	s, err := newServer(o)
	if err != nil {
		return err
	}
	addresses, err := s.listen()
	if err != nil {
		return err
	}
	line, err := json.Marshal(addresses)
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	if _, err := fmt.Fprintf(stdout, "%s\n", line); err != nil {
		return err
	}
	if o.exitWithStdin {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop <- syscall.SIGTERM
		}()
	}
	<-stop
	return nil
}

func main() {
	if err := serveUntilStopped(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mock_upstream:", err)
		os.Exit(2)
	}
}
