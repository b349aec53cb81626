// Package llmgateway calls an llm-gateway: a connection, a key, deadlines and
// retries around the generated stubs.
//
//	gateway, err := llmgateway.New("dns:///llm.example.com:443",
//		llmgateway.WithAPIKey(key))
//	if err != nil { ... }
//	defer gateway.Close()
//	answer, err := gateway.Generate(ctx, &llmgatewayv1.GenerateRequest{
//		Model:    "gpt-x",
//		Messages: []*llmgatewayv1.Message{llmgateway.UserText("Hello")},
//	})
//	var failure *llmgateway.Error
//	if errors.As(err, &failure) {
//		fmt.Println(failure.Reason) // "RATE_LIMITED"
//	}
//
// The connection is encrypted unless WithPlaintext says otherwise. Calls go to
// all addresses of the target in turn, except those that do not report
// themselves healthy. What the gateway has turned away without asking a provider
// is tried up to three times in all, and so are, where a connection breaks,
// lookups and calls with an idempotency_key. Nothing else is: a provider may have
// been asked already. A tool is never run again.
//
// A context without a deadline gets one: see WithGenerateTimeout and
// WithLookupTimeout. Metadata of the context is sent, as with any gRPC client;
// of a context that came with an incoming gRPC call, `traceparent` and
// `tracestate` are passed on.
package llmgateway

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	llmgatewayv1 "llmgateway.dev/client/llmgateway/v1"
)

// Version is that of this module.
const Version = "0.1.0"

// LLMGateway is a connection to a gateway. It may be used by many goroutines at
// once.
type LLMGateway struct {
	connection *grpc.ClientConn
	again      *retrying
	stub       llmgatewayv1.GatewayServiceClient
	generate   time.Duration
	lookup     time.Duration
}

// New returns a client for the gateway at target, as gRPC names it:
// `dns:///host:port` for all addresses of a name, which is also what a bare
// `host:port` means, and `ipv4:10.0.0.1:443,10.0.0.2:443` for a list, which
// needs WithServerName where there is TLS. It connects with the first call. It fails with a *ConfigurationError if an option
// is wrong, such as a file that cannot be read.
func New(target string, options ...Option) (*LLMGateway, error) {
	if err := checkTarget(target); err != nil {
		return nil, err
	}
	settings, err := settingsOf(target, options)
	if err != nil {
		return nil, err
	}
	again := newRetrying(settings.attempts)
	connection, err := grpc.Dial(withScheme(target), settings.dialOptions(again)...)
	if err != nil {
		return nil, &ConfigurationError{"target", "cannot be called: " + err.Error(), err}
	}
	return &LLMGateway{
		connection: connection,
		again:      again,
		stub:       llmgatewayv1.NewGatewayServiceClient(connection),
		generate:   settings.generateTimeout,
		lookup:     settings.lookupTimeout,
	}, nil
}

// Close ends the connection and every call of it, also one that waits for its
// next attempt: they fail with codes.Canceled, and so do calls from then on.
func (g *LLMGateway) Close() error {
	g.again.close()
	return g.connection.Close()
}

// Conn is for services that have no method here, such as AdminService. Its
// calls have the key and metadata of this client, but no deadline of their own,
// and plain gRPC errors, which ErrorOf reads.
func (g *LLMGateway) Conn() grpc.ClientConnInterface { return g.connection }

// Generate returns one complete answer. All errors of this and the other
// methods are of type *Error, but for the *ConfigurationError of a call whose
// metadata cannot be sent.
func (g *LLMGateway) Generate(ctx context.Context, request *llmgatewayv1.GenerateRequest, options ...grpc.CallOption) (*llmgatewayv1.GenerateResponse, error) {
	return call(ctx, g.generate, g.stub.Generate, request, options)
}

// Stream returns an answer as it is produced. Failures, also to begin, are told
// by the stream.
func (g *LLMGateway) Stream(ctx context.Context, request *llmgatewayv1.GenerateRequest, options ...grpc.CallOption) *Stream {
	ctx, cancel := withDeadline(ctx, g.generate)
	events, err := g.stub.StreamGenerate(ctx, request, options...)
	return newStream(&Stream{}, events, cancel, err)
}

// Resume goes on with a stream whose connection broke, behind the event
// afterSeq, if the gateway has `resumable_streams` configured.
func (g *LLMGateway) Resume(ctx context.Context, requestID string, afterSeq int64, options ...grpc.CallOption) *Stream {
	ctx, cancel := withDeadline(ctx, g.generate)
	events, err := g.stub.ResumeStream(ctx, &llmgatewayv1.ResumeStreamRequest{
		RequestId: requestID, AfterSeq: afterSeq}, options...)
	return newStream(&Stream{requestID: requestID, lastSeq: afterSeq,
		beginsAnywhere: afterSeq == 0}, events, cancel, err)
}

// CountTokens counts the input tokens of a request without running it.
func (g *LLMGateway) CountTokens(ctx context.Context, request *llmgatewayv1.GenerateRequest, options ...grpc.CallOption) (*llmgatewayv1.CountTokensResponse, error) {
	return call(ctx, g.lookup, g.stub.CountTokens,
		&llmgatewayv1.CountTokensRequest{Request: request}, options)
}

// Embed turns texts into vectors.
func (g *LLMGateway) Embed(ctx context.Context, request *llmgatewayv1.EmbedRequest, options ...grpc.CallOption) (*llmgatewayv1.EmbedResponse, error) {
	return call(ctx, g.generate, g.stub.Embed, request, options)
}

// ListModels returns one page of the models that callers can name.
func (g *LLMGateway) ListModels(ctx context.Context, request *llmgatewayv1.ListModelsRequest, options ...grpc.CallOption) (*llmgatewayv1.ListModelsResponse, error) {
	return call(ctx, g.lookup, g.stub.ListModels, request, options)
}

// Models returns all models that callers can name, page by page, of one
// provider or, if that is empty, of all.
func (g *LLMGateway) Models(ctx context.Context, providerID string, options ...grpc.CallOption) ([]*llmgatewayv1.Model, error) {
	request := &llmgatewayv1.ListModelsRequest{ProviderId: providerID, PageSize: 1000}
	var models []*llmgatewayv1.Model
	for {
		page, err := g.ListModels(ctx, request, options...)
		if err != nil {
			return nil, err
		}
		models = append(models, page.GetModels()...)
		if page.GetNextPageToken() == "" {
			return models, nil
		}
		request.PageToken = page.GetNextPageToken()
	}
}

// GetModel describes one model.
func (g *LLMGateway) GetModel(ctx context.Context, request *llmgatewayv1.GetModelRequest, options ...grpc.CallOption) (*llmgatewayv1.Model, error) {
	return call(ctx, g.lookup, g.stub.GetModel, request, options)
}

// CreateSession opens a session whose messages the gateway remembers.
func (g *LLMGateway) CreateSession(ctx context.Context, request *llmgatewayv1.CreateSessionRequest, options ...grpc.CallOption) (*llmgatewayv1.Session, error) {
	return call(ctx, g.lookup, g.stub.CreateSession, request, options)
}

// GetSession returns a session, with its messages.
func (g *LLMGateway) GetSession(ctx context.Context, id string, options ...grpc.CallOption) (*llmgatewayv1.Session, error) {
	return call(ctx, g.lookup, g.stub.GetSession,
		&llmgatewayv1.GetSessionRequest{Id: id}, options)
}

// DeleteSession forgets a session.
func (g *LLMGateway) DeleteSession(ctx context.Context, id string, options ...grpc.CallOption) error {
	_, err := call(ctx, g.lookup, g.stub.DeleteSession,
		&llmgatewayv1.DeleteSessionRequest{Id: id}, options)
	return err
}

// ListTools returns the tools of a service behind the gateway.
func (g *LLMGateway) ListTools(ctx context.Context, options ...grpc.CallOption) (*llmgatewayv1.ListToolsResponse, error) {
	return call(ctx, g.lookup, g.stub.ListTools,
		&llmgatewayv1.ListToolsRequest{}, options)
}

// ExecuteTool runs one of them; its arguments and its result are JSON as text.
// Of a tool that fails the response says so. A call that fails is not made again:
// the tool may have done something.
func (g *LLMGateway) ExecuteTool(ctx context.Context, request *llmgatewayv1.ExecuteToolRequest, options ...grpc.CallOption) (*llmgatewayv1.ExecuteToolResponse, error) {
	return call(ctx, g.lookup, g.stub.ExecuteTool, request, options)
}

// UserText is a message of the user with one text.
func UserText(text string) *llmgatewayv1.Message {
	return &llmgatewayv1.Message{
		Role:  llmgatewayv1.Role_ROLE_USER,
		Parts: []*llmgatewayv1.Part{{Kind: &llmgatewayv1.Part_Text{Text: text}}},
	}
}

// Text is what the model says in the first of an answer's choices.
func Text(response *llmgatewayv1.GenerateResponse) string {
	var text string
	if choices := response.GetChoices(); len(choices) > 0 {
		for _, part := range choices[0].GetMessage().GetParts() {
			text += part.GetText()
		}
	}
	return text
}

// withDeadline leaves a deadline that is there; a timeout of 0 is none.
func withDeadline(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if _, has := ctx.Deadline(); has || timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, timeout)
}

// call makes one unary call.
func call[Request, Response any](ctx context.Context, timeout time.Duration,
	method func(context.Context, Request, ...grpc.CallOption) (Response, error),
	request Request, options []grpc.CallOption) (Response, error) {
	ctx, cancel := withDeadline(ctx, timeout)
	defer cancel()
	var trailer metadata.MD
	response, err := method(ctx, request,
		append([]grpc.CallOption{grpc.Trailer(&trailer)}, options...)...)
	if err != nil {
		var none Response
		return none, asFailure(err, trailer)
	}
	return response, nil
}
