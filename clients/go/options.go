package llmgateway

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // The service config asks for it.
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/resolver"
)

// No retryPolicy: gRPC's own would repeat what a provider may have been asked
// for, where a connection breaks.
const serviceConfig = `{
  "loadBalancingConfig": [{"round_robin": {}}],
  "healthCheckConfig": {"serviceName": "llmgateway.v1.GatewayService"}
}`

const (
	keepaliveTime    = 30 * time.Second
	keepaliveTimeout = 20 * time.Second
	// What the gateway takes of a provider by default; gRPC's own is 4 MiB.
	responseBytesMax = 64 << 20
)

// Option is what New may be told.
type Option func(*settings)

type settings struct {
	apiKey          string
	plaintext       bool
	tls             *tls.Config
	rootCAFile      string
	certFile        string
	keyFile         string
	serverName      *string
	generateTimeout time.Duration
	lookupTimeout   time.Duration
	waitForReady    bool
	attempts        int
	metadata        []func(context.Context) map[string]string
	more            []grpc.DialOption
}

// WithAPIKey sends the key with each call, as `authorization: Bearer`.
func WithAPIKey(key string) Option {
	return func(s *settings) { s.apiKey = key }
}

// WithPlaintext does without TLS, for a gateway on this machine or behind a
// proxy that encrypts.
func WithPlaintext() Option {
	return func(s *settings) { s.plaintext = true }
}

// WithTLSConfig sets how TLS is spoken.
func WithTLSConfig(config *tls.Config) Option {
	return func(s *settings) { s.tls = config }
}

// WithRootCAFile trusts the issuers in a PEM file in place of the system's.
func WithRootCAFile(path string) Option {
	return func(s *settings) { s.rootCAFile = path }
}

// WithClientCertificateFiles shows the gateway a certificate, by PEM files of
// its chain and its key (mutual TLS).
func WithClientCertificateFiles(certChain, privateKey string) Option {
	return func(s *settings) { s.certFile, s.keyFile = certChain, privateKey }
}

// WithServerName is the name that the gateway's certificate must have, in place
// of the target's. A list of addresses has none, and needs it where there is TLS.
func WithServerName(name string) Option {
	return func(s *settings) { s.serverName = &name }
}

// WithGenerateTimeout is how long calls that run a model may take if their
// context has no deadline: 900 s by default; 0 for no limit.
func WithGenerateTimeout(timeout time.Duration) Option {
	return func(s *settings) { s.generateTimeout = timeout }
}

// WithLookupTimeout is the same for all other calls: 60 s by default.
func WithLookupTimeout(timeout time.Duration) Option {
	return func(s *settings) { s.lookupTimeout = timeout }
}

// WithWaitForReady has calls wait for a connection, as long as their deadline
// lets them, where they would fail if none can be made. For one call pass
// grpc.WaitForReady(true) to it.
func WithWaitForReady() Option {
	return func(s *settings) { s.waitForReady = true }
}

// WithAttempts is how often a call is made at most, the first time counted: 3 by
// default. What is made again at all the package's documentation says.
func WithAttempts(count int) Option {
	return func(s *settings) { s.attempts = count }
}

// WithMetadata adds to each attempt of a call what the function returns for its
// context, unless the context has such metadata of its own; WithAPIKey goes
// before it. Values of names that end with -bin are any bytes, of all others
// printable ASCII. It is the place to inject a trace by OpenTelemetry's propagator:
//
//	llmgateway.WithMetadata(func(ctx context.Context) map[string]string {
//		carrier := propagation.MapCarrier{}
//		otel.GetTextMapPropagator().Inject(ctx, carrier)
//		return carrier
//	})
func WithMetadata(of func(context.Context) map[string]string) Option {
	return func(s *settings) { s.metadata = append(s.metadata, of) }
}

// WithDialOptions passes options to gRPC. They come last, so that they win.
func WithDialOptions(options ...grpc.DialOption) Option {
	return func(s *settings) { s.more = append(s.more, options...) }
}

const timeoutProblem = "is %v; it is more than 0, or 0 for no limit"

func settingsOf(target string, options []Option) (*settings, error) {
	s := &settings{generateTimeout: 900 * time.Second, lookupTimeout: 60 * time.Second,
		attempts: attemptsMax}
	for _, option := range options {
		option(s)
	}
	if s.generateTimeout < 0 {
		return nil, wrong("WithGenerateTimeout", timeoutProblem, s.generateTimeout)
	}
	if s.lookupTimeout < 0 {
		return nil, wrong("WithLookupTimeout", timeoutProblem, s.lookupTimeout)
	}
	if !isPrintable(s.apiKey) {
		return nil, wrong("WithAPIKey", "has what is no printable ASCII letter, such as a line's end")
	}
	if s.attempts < 1 {
		return nil, wrong("WithAttempts", "is %d; it is at least 1", s.attempts)
	}
	for _, of := range s.metadata {
		if of == nil {
			return nil, wrong("WithMetadata", "is nil; it is a function")
		}
	}
	if s.plaintext {
		if s.tls != nil || s.rootCAFile != "" || s.certFile != "" || s.keyFile != "" {
			return nil, wrong("WithPlaintext", "contradicts the options of TLS; leave it or them out")
		}
		if s.serverName != nil {
			return nil, wrong("WithServerName", "is for TLS, and WithPlaintext is set")
		}
		return s, nil
	}
	if err := s.readCertificates(); err != nil {
		return nil, err
	}
	return s, s.checkNames(target)
}

// checkNames takes over the server's name. It fails where no certificate of what
// the target leads to could be believed.
func (s *settings) checkNames(target string) error {
	const option = "WithServerName"
	if s.serverName != nil {
		if *s.serverName == "" || !isPrintable(*s.serverName) {
			return wrong(option, "is empty, or has what is no printable ASCII letter")
		}
		s.tls.ServerName = *s.serverName
	}
	// Options of gRPC may say it, too.
	isTold := s.tls.ServerName != "" || len(s.more) > 0
	if !isTold && !s.tls.InsecureSkipVerify && isAddressList(target) {
		return wrong(option, "is not given, and the target is a list: "+
			"it is the name that the certificates of its addresses have")
	}
	return nil
}

// readCertificates completes the configuration of TLS.
func (s *settings) readCertificates() error {
	if s.tls == nil {
		s.tls = &tls.Config{}
	}
	s.tls = s.tls.Clone()
	if s.rootCAFile != "" {
		pem, err := readFile("WithRootCAFile", s.rootCAFile)
		if err != nil {
			return err
		}
		s.tls.RootCAs = x509.NewCertPool()
		if !s.tls.RootCAs.AppendCertsFromPEM(pem) {
			return wrong("WithRootCAFile", "has no certificate in PEM: %s", s.rootCAFile)
		}
	}
	if s.certFile == "" && s.keyFile == "" {
		return nil
	}
	const option = "WithClientCertificateFiles"
	if s.certFile == "" || s.keyFile == "" {
		return wrong(option, "has one file; a chain and its key belong together")
	}
	chain, err := readFile(option, s.certFile)
	if err != nil {
		return err
	}
	key, err := readFile(option, s.keyFile)
	if err != nil {
		return err
	}
	certificate, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return &ConfigurationError{option, "has no chain and its key in PEM: " + err.Error(), err}
	}
	s.tls.Certificates = []tls.Certificate{certificate}
	return nil
}

func readFile(option, path string) ([]byte, error) {
	bytes, err := os.ReadFile(path)
	if err != nil {
		return nil, &ConfigurationError{option, "cannot be read: " + err.Error(), err}
	}
	return bytes, nil
}

func (s *settings) dialOptions(again *retrying) []grpc.DialOption {
	transport := insecure.NewCredentials()
	if !s.plaintext {
		transport = credentials.NewTLS(s.tls)
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithUserAgent("llmgateway-go/" + Version),
		grpc.WithDefaultServiceConfig(serviceConfig),
		// A DNS record that says otherwise does not belong to this program.
		grpc.WithDisableServiceConfig(),
		grpc.WithResolvers(addressLists...),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: keepaliveTime, Timeout: keepaliveTimeout}),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(responseBytesMax),
			grpc.WaitForReady(s.waitForReady)),
		grpc.WithChainUnaryInterceptor(again.unary, func(ctx context.Context, method string,
			request, response any, connection *grpc.ClientConn,
			invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
			ctx, err := s.withMetadata(ctx)
			if err != nil {
				return err
			}
			return invoke(ctx, method, request, response, connection, options...)
		}),
		grpc.WithChainStreamInterceptor(again.stream, func(ctx context.Context,
			description *grpc.StreamDesc, connection *grpc.ClientConn,
			method string, stream grpc.Streamer,
			options ...grpc.CallOption) (grpc.ClientStream, error) {
			ctx, err := s.withMetadata(ctx)
			if err != nil {
				return nil, err
			}
			return stream(ctx, description, connection, method, options...)
		}),
	}
	return append(options, s.more...)
}

// withMetadata adds what every call has. What the context has already stays. It
// fails if gRPC cannot send it.
func (s *settings) withMetadata(ctx context.Context) (context.Context, error) {
	outgoing, _ := metadata.FromOutgoingContext(ctx)
	outgoing = outgoing.Copy()
	add := func(key, value string) {
		if value != "" && len(outgoing.Get(key)) == 0 {
			outgoing.Set(key, value)
		}
	}
	if s.apiKey != "" {
		add("authorization", "Bearer "+s.apiKey)
	}
	for _, of := range s.metadata {
		for key, value := range of(ctx) {
			add(key, value)
		}
	}
	if len(outgoing.Get("traceparent")) == 0 {
		if incoming, ok := metadata.FromIncomingContext(ctx); ok {
			for _, key := range []string{"traceparent", "tracestate"} {
				for _, value := range incoming.Get(key) {
					outgoing.Append(key, value)
				}
			}
		}
	}
	if err := checkMetadata(outgoing); err != nil {
		return nil, err
	}
	return metadata.NewOutgoingContext(ctx, outgoing), nil
}

// withScheme has a bare `host:port` looked up by DNS, as in other languages.
func withScheme(target string) string {
	parsed, err := url.Parse(target)
	if err == nil && (resolver.Get(parsed.Scheme) != nil ||
		parsed.Scheme == "ipv4" || parsed.Scheme == "ipv6") {
		return target
	}
	return "dns:///" + target
}
