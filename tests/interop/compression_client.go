// Makes calls with compressed requests, by grpc-go: commands on standard input,
// answers on output. A line holds one of them, as JSON; compression_cases.py
// says what they are.
package main

import (
	"bufio"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/status"
)

const timeout = 30 * time.Second

// rawCodec takes messages as the bytes that they are.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(message any) ([]byte, error) {
	return message.([]byte), nil
}

func (rawCodec) Unmarshal(data []byte, message any) error {
	*message.(*[]byte) = append([]byte(nil), data...)
	return nil
}

type gzipCompressor struct{}

func (gzipCompressor) Name() string { return "gzip" }

func (gzipCompressor) Compress(to io.Writer) (io.WriteCloser, error) {
	return gzip.NewWriter(to), nil
}

func (gzipCompressor) Decompress(from io.Reader) (io.Reader, error) {
	return gzip.NewReader(from)
}

// What HTTP calls deflate is zlib's format.
type deflateCompressor struct{}

func (deflateCompressor) Name() string { return "deflate" }

func (deflateCompressor) Compress(to io.Writer) (io.WriteCloser, error) {
	return zlib.NewWriter(to), nil
}

func (deflateCompressor) Decompress(from io.Reader) (io.Reader, error) {
	return zlib.NewReader(from)
}

type command struct {
	Address  string   `json:"address"`
	Path     string   `json:"path"`
	Encoding string   `json:"encoding"`
	Messages []string `json:"messages"`
}

type answer struct {
	Code     string   `json:"code"`
	Message  string   `json:"message"`
	Messages []string `json:"messages"`
}

// exchange returns the messages that came before the call ended.
func exchange(connection *grpc.ClientConn, asked command) ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	options := []grpc.CallOption{grpc.ForceCodec(rawCodec{})}
	if asked.Encoding != "identity" {
		options = append(options, grpc.UseCompressor(asked.Encoding))
	}
	// On the wire every call is a stream of bytes both ways.
	stream, err := connection.NewStream(
		ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true},
		asked.Path, options...)
	if err != nil {
		return nil, err
	}
	for _, text := range asked.Messages {
		message, err := hex.DecodeString(text)
		if err != nil {
			return nil, err
		}
		// The status of a call that has ended comes from RecvMsg.
		if err := stream.SendMsg(message); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return nil, err
	}
	messages := []string{}
	for {
		var message []byte
		if err := stream.RecvMsg(&message); err == io.EOF {
			return messages, nil
		} else if err != nil {
			return messages, err
		}
		messages = append(messages, hex.EncodeToString(message))
	}
}

func call(asked command) (answer, error) {
	connection, err := grpc.Dial(
		asked.Address,
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return answer{}, err
	}
	defer connection.Close()
	messages, err := exchange(connection, asked)
	ended := status.Convert(err)
	return answer{ended.Code().String(), ended.Message(), messages}, nil
}

func main() {
	encoding.RegisterCompressor(gzipCompressor{})
	encoding.RegisterCompressor(deflateCompressor{})
	input := json.NewDecoder(bufio.NewReader(os.Stdin))
	output := json.NewEncoder(os.Stdout)
	for {
		var asked command
		if err := input.Decode(&asked); err == io.EOF {
			return
		} else if err != nil {
			panic(err)
		}
		answered, err := call(asked)
		if err != nil {
			panic(err)
		}
		if err := output.Encode(answered); err != nil {
			panic(err)
		}
	}
}
