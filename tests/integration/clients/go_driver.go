// Command go_driver makes the calls that client_driver.py asks for, through the
// client for Go.
package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/durationpb"

	"llmgateway.dev/client"
	llmgatewayv1 "llmgateway.dev/client/llmgateway/v1"
)

type settings struct {
	Target       string `json:"target"`
	Plaintext    bool   `json:"plaintext"`
	APIKey       string `json:"api_key"`
	CA           string `json:"ca"`
	Cert         string `json:"cert"`
	Key          string `json:"key"`
	ServerName   string `json:"server_name"`
	WaitForReady bool   `json:"wait_for_ready"`
	GenerateMs   *int64 `json:"generate_timeout_ms"`
	LookupMs     *int64 `json:"lookup_timeout_ms"`
	AttemptsMax  *int   `json:"attempts_max"`

	Metadata map[string]string `json:"metadata"`
}

type command struct {
	ID         int               `json:"id"`
	Do         string            `json:"do"`
	Model      string            `json:"model"`
	Text       *string           `json:"text"`
	ProviderID string            `json:"provider_id"`
	Session    string            `json:"session"`
	Key        string            `json:"idempotency_key"`
	Name       string            `json:"name"`
	Arguments  string            `json:"arguments"`
	RequestID  string            `json:"request_id"`
	AfterSeq   int64             `json:"after_seq"`
	PageSize   int32             `json:"page_size"`
	TTLSeconds int64             `json:"ttl_s"`
	TimeoutMs  int64             `json:"timeout_ms"`
	CloseAfter int               `json:"close_after"`
	Metadata   map[string]string `json:"metadata"`
}

type result map[string]any

type driver struct {
	gateway *llmgateway.LLMGateway
	mutex   sync.Mutex
	cancels map[int]context.CancelFunc
}

// As gRPC spells its codes; Go's own words differ.
func codeName(code codes.Code) string {
	var name strings.Builder
	for i, letter := range code.String() {
		if i > 0 && letter >= 'A' && letter <= 'Z' {
			name.WriteByte('_')
		}
		name.WriteRune(letter)
	}
	if code == codes.Canceled {
		return "CANCELLED"
	}
	return strings.ToUpper(name.String())
}

// told is what a result says of an error.
func told(err error) result {
	var wrong *llmgateway.ConfigurationError
	if errors.As(err, &wrong) {
		return result{"wrong_option": wrong.Option, "message": wrong.Error()}
	}
	return result{"error": failure(err)}
}

func failure(err error) result {
	var failure *llmgateway.Error
	if !errors.As(err, &failure) {
		return result{"untyped": err.Error()}
	}
	told := result{
		"code":       codeName(failure.Code),
		"reason":     failure.Reason,
		"message":    failure.Message,
		"metadata":   failure.Metadata,
		"request_id": failure.RequestID,
	}
	if failure.RetryAfter >= 0 {
		told["retry_after_ms"] = failure.RetryAfter.Milliseconds()
	}
	fields := []string{}
	for _, violation := range failure.Violations {
		fields = append(fields, violation.Field)
	}
	told["fields"] = fields
	quotas := []string{}
	for _, quota := range failure.Quotas {
		quotas = append(quotas, quota.Subject)
	}
	told["quotas"] = quotas
	if errors.Is(err, context.DeadlineExceeded) != (failure.Code == codes.DeadlineExceeded) ||
		errors.Is(err, context.Canceled) != (failure.Code == codes.Canceled) {
		return result{"untyped": "errors.Is contradicts the code"}
	}
	return told
}

func (c *command) request() *llmgatewayv1.GenerateRequest {
	request := &llmgatewayv1.GenerateRequest{
		Model: c.Model, ProviderId: c.ProviderID, Session: c.Session,
		IdempotencyKey: c.Key}
	if c.Text != nil {
		request.Messages = []*llmgatewayv1.Message{llmgateway.UserText(*c.Text)}
	}
	return request
}

func eventName(event *llmgatewayv1.GenerateEvent) string {
	switch event.Event.(type) {
	case *llmgatewayv1.GenerateEvent_Started:
		return "started"
	case *llmgatewayv1.GenerateEvent_Delta:
		return "delta"
	case *llmgatewayv1.GenerateEvent_Usage:
		return "usage"
	case *llmgatewayv1.GenerateEvent_ChoiceEnd:
		return "choice_end"
	case *llmgatewayv1.GenerateEvent_End:
		return "end"
	}
	return "unknown"
}

func read(stream *llmgateway.Stream, closeAfter int) result {
	events, seqs, text, deltas := []string{}, []int64{}, "", 0
	for stream.Next() {
		event := stream.Event()
		events = append(events, eventName(event))
		seqs = append(seqs, event.GetSeq())
		text += event.GetDelta().GetText()
		if event.GetDelta() != nil {
			if deltas++; deltas == closeAfter {
				stream.Close()
			}
		}
	}
	answer := result{
		"events": events, "seqs": seqs, "text": text,
		"request_id":    stream.RequestID(),
		"last_seq":      stream.LastSeq(),
		"outcome":       stream.End().GetOutcome().String(),
		"input_tokens":  stream.End().GetUsage().GetInputTokens(),
		"output_tokens": stream.End().GetUsage().GetOutputTokens(),
	}
	if stream.Err() != nil {
		for key, value := range told(stream.Err()) {
			answer[key] = value
		}
	}
	return answer
}

func session(session *llmgatewayv1.Session, err error) (result, error) {
	return result{"session": session.GetId(),
		"messages": len(session.GetMessages())}, err
}

func (d *driver) do(ctx context.Context, c *command) (result, error) {
	switch c.Do {
	case "generate":
		answer, err := d.gateway.Generate(ctx, c.request())
		told := result{
			"text":          llmgateway.Text(answer),
			"request_id":    answer.GetRequestId(),
			"input_tokens":  answer.GetUsage().GetInputTokens(),
			"output_tokens": answer.GetUsage().GetOutputTokens(),
		}
		if choices := answer.GetChoices(); len(choices) > 0 {
			told["finish_reason"] = choices[0].GetFinishReason().String()
		}
		return told, err
	case "stream":
		return read(d.gateway.Stream(ctx, c.request()), c.CloseAfter), nil
	case "resume":
		return read(d.gateway.Resume(ctx, c.RequestID, c.AfterSeq), 0), nil
	case "count":
		count, err := d.gateway.CountTokens(ctx, c.request())
		return result{"input_tokens": count.GetInputTokens()}, err
	case "embed":
		answer, err := d.gateway.Embed(ctx, &llmgatewayv1.EmbedRequest{
			Model: c.Model, Inputs: []*llmgatewayv1.EmbedInput{
				{Kind: &llmgatewayv1.EmbedInput_Text{Text: *c.Text}}}})
		vectors := []int{}
		for _, embedding := range answer.GetEmbeddings() {
			vectors = append(vectors, len(embedding.GetValues()))
		}
		return result{"vectors": vectors}, err
	case "list_models":
		page, err := d.gateway.ListModels(ctx, &llmgatewayv1.ListModelsRequest{
			ProviderId: c.ProviderID, PageSize: c.PageSize})
		return result{"models": names(page.GetModels()),
			"more": page.GetNextPageToken() != ""}, err
	case "models":
		models, err := d.gateway.Models(ctx, c.ProviderID)
		return result{"models": names(models)}, err
	case "get_model":
		model, err := d.gateway.GetModel(ctx, &llmgatewayv1.GetModelRequest{Name: c.Name})
		return result{"name": model.GetName(), "provider": model.GetProvider()}, err
	case "create_session":
		return session(d.gateway.CreateSession(ctx, &llmgatewayv1.CreateSessionRequest{
			Ttl: durationpb.New(time.Duration(c.TTLSeconds) * time.Second)}))
	case "get_session":
		return session(d.gateway.GetSession(ctx, c.Session))
	case "delete_session":
		return result{}, d.gateway.DeleteSession(ctx, c.Session)
	case "list_tools":
		listed, err := d.gateway.ListTools(ctx)
		tools := []string{}
		for _, tool := range listed.GetTools() {
			tools = append(tools, tool.GetName())
		}
		return result{"tools": tools}, err
	case "execute_tool":
		answer, err := d.gateway.ExecuteTool(ctx, &llmgatewayv1.ExecuteToolRequest{
			Name: c.Name, Arguments: c.Arguments})
		return result{"name": answer.GetName(), "success": answer.GetSuccess(),
			"result": answer.GetResult(), "error": answer.GetError()}, err
	}
	return result{"untyped": "unknown command " + c.Do}, nil
}

func (d *driver) run(ctx context.Context, c *command) {
	if c.TimeoutMs > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(c.TimeoutMs)*time.Millisecond)
		defer cancel()
	}
	for key, value := range values(c.Metadata) {
		ctx = metadata.AppendToOutgoingContext(ctx, key, value)
	}
	answer, err := d.do(ctx, c)
	if err != nil {
		answer = told(err)
	}
	answer["id"] = c.ID
	d.mutex.Lock()
	defer d.mutex.Unlock()
	json.NewEncoder(os.Stdout).Encode(answer)
}

// values are those of metadata, of which bytes come in hexadecimal.
func values(metadata map[string]string) map[string]string {
	values := map[string]string{}
	for key, value := range metadata {
		if bytes, err := hex.DecodeString(value); err == nil && strings.HasSuffix(key, "-bin") {
			value = string(bytes)
		}
		values[key] = value
	}
	return values
}

func connect(s *settings) (*llmgateway.LLMGateway, error) {
	options := []llmgateway.Option{llmgateway.WithAPIKey(s.APIKey)}
	if s.Plaintext {
		options = append(options, llmgateway.WithPlaintext())
	}
	if s.CA != "" {
		options = append(options, llmgateway.WithRootCAFile(s.CA))
	}
	if s.Cert != "" || s.Key != "" {
		options = append(options, llmgateway.WithClientCertificateFiles(s.Cert, s.Key))
	}
	if s.ServerName != "" {
		options = append(options, llmgateway.WithServerName(s.ServerName))
	}
	if s.WaitForReady {
		options = append(options, llmgateway.WithWaitForReady())
	}
	if s.GenerateMs != nil {
		options = append(options, llmgateway.WithGenerateTimeout(
			time.Duration(*s.GenerateMs)*time.Millisecond))
	}
	if s.LookupMs != nil {
		options = append(options, llmgateway.WithLookupTimeout(
			time.Duration(*s.LookupMs)*time.Millisecond))
	}
	if s.AttemptsMax != nil {
		options = append(options, llmgateway.WithAttempts(*s.AttemptsMax))
	}
	if s.Metadata != nil {
		options = append(options, llmgateway.WithMetadata(
			func(context.Context) map[string]string { return values(s.Metadata) }))
	}
	return llmgateway.New(s.Target, options...)
}

func main() {
	var s settings
	if err := json.Unmarshal([]byte(os.Args[1]), &s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	gateway, err := connect(&s)
	if err != nil {
		json.NewEncoder(os.Stdout).Encode(told(err))
		os.Exit(1)
	}
	defer gateway.Close()
	d := &driver{gateway: gateway, cancels: map[int]context.CancelFunc{}}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		c := &command{}
		if err := json.Unmarshal(lines.Bytes(), c); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if c.Do == "cancel" {
			d.cancels[c.ID]()
			continue
		}
		if c.Do == "close" {
			gateway.Close()
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		d.cancels[c.ID] = cancel
		go d.run(ctx, c)
	}
}

func names(models []*llmgatewayv1.Model) []string {
	names := []string{}
	for _, model := range models {
		names = append(names, model.GetName())
	}
	return names
}
