// Load calls a server of chat completions or messages as often as it can, and counts.
//
//	load --target=127.0.0.1:8080 --connections=64 --seconds=3
//	load --target=127.0.0.1:50051 --protocol=grpc --mode=stream
//	     --connections=4 --streams=16 --chunks=200 --cpu_pids=4711,4712
//
// It is a closed loop: each connection (HTTP/1.1) or stream (gRPC) begins its
// next call when the last has ended. Every answer is checked, and one wrong
// answer fails the run. With --calls it makes that many and ends, so that what
// the server executes for them comes out the same each time. With --cpu_pids it reads the CPU time of a server's
// processes at the edges of the very interval in which it counts; with
// --counter_file also a number that the server keeps there.
//
// With --mode=idle it opens its streams, waits for the first text of each,
// prints `ready`, and holds them until its standard input ends.
//
// The result is one line of JSON on standard output.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

type options struct {
	load
	protocol    string
	caFile      string
	cpuPids     []int
	counterFile string
	warmup      time.Duration
	measured    time.Duration
	calls       int64
}

func parseFlags(args []string) (*options, error) {
	var o options
	var useTLS bool
	var pids string
	f := flag.NewFlagSet("load", flag.ContinueOnError)
	f.StringVar(&o.target, "target", "", "host:port of the server")
	f.StringVar(&o.protocol, "protocol", "http", "http or grpc")
	f.StringVar(&o.format, "format", "openai", "openai or anthropic, HTTP")
	f.StringVar(&o.mode, "mode", modeUnary, "unary, stream or idle")
	f.IntVar(&o.connections, "connections", 1, "connections")
	f.IntVar(&o.streams, "streams", 1, "calls in flight per connection, gRPC")
	f.IntVar(&o.promptBytes, "prompt_bytes", 1024, "size of the prompt")
	f.StringVar(&o.model, "model", "bench", "model to ask for")
	f.StringVar(&o.key, "key", "none", "caller's key")
	f.IntVar(&o.chunks, "chunks", 0, "chunks of each stream")
	f.IntVar(&o.chunkBytes, "chunk_bytes", 16, "text of each chunk")
	f.BoolVar(&useTLS, "tls", false, "speak TLS")
	f.StringVar(&o.caFile, "ca_file", "", "PEM file of the server's issuer")
	f.StringVar(&pids, "cpu_pids", "", "processes whose CPU time is measured")
	f.StringVar(&o.counterFile, "counter_file", "",
		"file that begins with a number of 8 bytes that grows")
	f.DurationVar(&o.warmup, "warmup", 500*time.Millisecond, "not counted")
	f.DurationVar(&o.measured, "measured", 2*time.Second, "counted")
	f.Int64Var(&o.calls, "calls", 0,
		"make so many calls instead, all of them counted, in whatever time")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if err := o.check(f.NArg()); err != nil {
		return nil, err
	}
	for _, pid := range strings.FieldsFunc(pids, isComma) {
		n, err := strconv.Atoi(pid)
		if err != nil {
			return nil, fmt.Errorf("--cpu_pids: %w", err)
		}
		o.cpuPids = append(o.cpuPids, n)
	}
	if useTLS {
		config, err := tlsConfig(o.caFile, o.protocol)
		if err != nil {
			return nil, err
		}
		o.tls = config
	}
	return &o, nil
}

func isComma(r rune) bool { return r == ',' }

func (o *options) check(extra int) error {
	switch {
	case extra > 0:
		return errors.New("unexpected arguments")
	case o.target == "":
		return errors.New("--target is missing")
	case o.protocol != "http" && o.protocol != "grpc":
		return fmt.Errorf("--protocol=%s is neither http nor grpc", o.protocol)
	case formats[o.format] == nil:
		return fmt.Errorf("--format=%s is neither openai nor anthropic", o.format)
	case o.mode != modeUnary && o.mode != modeStream && o.mode != modeIdle:
		return fmt.Errorf("no --mode=%s", o.mode)
	case o.connections < 1 || o.streams < 1:
		return errors.New("--connections and --streams begin at 1")
	case o.protocol == "http" && o.streams != 1:
		return errors.New("HTTP/1.1 has one call per connection")
	case o.calls > 0 && o.mode == modeIdle:
		return errors.New("--mode=idle makes as many calls as streams")
	case o.mode == modeStream && (o.chunks < 1 || o.chunkBytes < 1):
		return errors.New("--mode=stream needs --chunks and --chunk_bytes")
	}
	return nil
}

func tlsConfig(caFile, protocol string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("no certificate in %s", caFile)
		}
	}
	if protocol == "grpc" {
		config.NextProtos = []string{"h2"}
	}
	return config, nil
}

func runLoad(args []string, stdin io.Reader, stdout io.Writer) error {
	o, err := parseFlags(args)
	if err != nil {
		return err
	}
	o.load.meter = &meter{limited: o.calls > 0}
	o.load.meter.left.Store(o.calls)
	var r result
	if o.mode == modeIdle {
		r, err = o.hold(stdin, stdout)
	} else {
		r, err = o.drive()
	}
	if err != nil {
		return err
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s\n", line)
	if r.Errors > 0 {
		return fmt.Errorf("%d calls failed; the first: %s", r.Errors,
			r.FirstError)
	}
	return nil
}

func main() {
	if err := runLoad(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}
