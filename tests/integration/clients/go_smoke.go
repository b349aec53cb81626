// Command go_smoke calls a gateway through Go's stubs: go_smoke ADDRESS.
//
// Prints what smoke.py checks.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	llmgatewayv1 "llmgateway.dev/client/llmgateway/v1"
)

type answer struct {
	Text         string `json:"text"`
	FinishReason string `json:"finish_reason"`
	InputTokens  int64  `json:"input_tokens"`
	OutputTokens int64  `json:"output_tokens"`
}

type stream struct {
	Events       []string `json:"events"`
	Seqs         []int64  `json:"seqs"`
	Text         string   `json:"text"`
	Outcome      string   `json:"outcome"`
	InputTokens  int64    `json:"input_tokens"`
	OutputTokens int64    `json:"output_tokens"`
}

type failure struct {
	Code     string `json:"code"`
	Reason   string `json:"reason"`
	Domain   string `json:"domain"`
	Provider string `json:"provider"`
}

// What gRPC calls its codes; Go's own words differ.
var codeNames = map[codes.Code]string{codes.NotFound: "NOT_FOUND"}

func prompt() *llmgatewayv1.GenerateRequest {
	return &llmgatewayv1.GenerateRequest{
		Model: "mock-model",
		Messages: []*llmgatewayv1.Message{{
			Role: llmgatewayv1.Role_ROLE_USER,
			Parts: []*llmgatewayv1.Part{
				{Kind: &llmgatewayv1.Part_Text{Text: "Hello"}},
			},
		}},
	}
}

func generate(ctx context.Context, client llmgatewayv1.GatewayServiceClient) (answer, error) {
	response, err := client.Generate(ctx, prompt())
	if err != nil {
		return answer{}, err
	}
	choice := response.GetChoices()[0]
	var text strings.Builder
	for _, part := range choice.GetMessage().GetParts() {
		text.WriteString(part.GetText())
	}
	return answer{
		Text:         text.String(),
		FinishReason: choice.GetFinishReason().String(),
		InputTokens:  response.GetUsage().GetInputTokens(),
		OutputTokens: response.GetUsage().GetOutputTokens(),
	}, nil
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

func streamGenerate(ctx context.Context, client llmgatewayv1.GatewayServiceClient) (stream, error) {
	events, err := client.StreamGenerate(ctx, prompt())
	if err != nil {
		return stream{}, err
	}
	var saw stream
	for {
		event, err := events.Recv()
		if err == io.EOF {
			return saw, nil
		}
		if err != nil {
			return saw, err
		}
		saw.Events = append(saw.Events, eventName(event))
		saw.Seqs = append(saw.Seqs, event.GetSeq())
		saw.Text += event.GetDelta().GetText()
		if end := event.GetEnd(); end != nil {
			saw.Outcome = end.GetOutcome().String()
			saw.InputTokens = end.GetUsage().GetInputTokens()
			saw.OutputTokens = end.GetUsage().GetOutputTokens()
		}
	}
}

func fail(ctx context.Context, client llmgatewayv1.GatewayServiceClient) (failure, error) {
	request := prompt()
	request.ProviderId = "nobody"
	_, err := client.Generate(ctx, request)
	refusal, ok := status.FromError(err)
	if !ok || refusal.Code() == codes.OK {
		return failure{}, fmt.Errorf("not refused by a status: %v", err)
	}
	saw := failure{Code: codeNames[refusal.Code()]}
	for _, detail := range refusal.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			saw.Reason = info.GetReason()
			saw.Domain = info.GetDomain()
			saw.Provider = info.GetMetadata()["provider"]
		}
	}
	return saw, nil
}

func run(address string) error {
	connection, err := grpc.Dial(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()

	client := llmgatewayv1.NewGatewayServiceClient(connection)
	whole, err := generate(ctx, client)
	if err != nil {
		return fmt.Errorf("Generate: %w", err)
	}
	pieces, err := streamGenerate(ctx, client)
	if err != nil {
		return fmt.Errorf("StreamGenerate: %w", err)
	}
	refused, err := fail(ctx, client)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"generate": whole,
		"stream":   pieces,
		"error":    refused,
	})
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
