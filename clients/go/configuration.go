package llmgateway

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"google.golang.org/grpc/metadata"
)

// ConfigurationError is what is wrong with an option of New, or with the
// metadata of a call, which then is not made. It never shows a secret.
//
//	var wrong *llmgateway.ConfigurationError
//	if errors.As(err, &wrong) { fmt.Println(wrong.Option) } // "WithRootCAFile"
type ConfigurationError struct {
	// Option is what is wrong: an option of New, "target", or a name of the
	// metadata, as in `metadata["x-team"]`.
	Option string
	// Problem is what is wrong with it, and what would be right.
	Problem string

	cause error
}

func (e *ConfigurationError) Error() string {
	return "llmgateway: " + e.Option + " " + e.Problem
}

// Unwrap returns the error that it was found by, such as that of a file; nil if
// there is none.
func (e *ConfigurationError) Unwrap() error { return e.cause }

func wrong(option, problem string, arguments ...any) error {
	return &ConfigurationError{Option: option, Problem: fmt.Sprintf(problem, arguments...)}
}

// checkTarget fails for what is no target by its looks.
func checkTarget(target string) error {
	if target == "" {
		return wrong("target", "is empty; it is like host:port")
	}
	if strings.IndexFunc(target, func(letter rune) bool { return letter <= ' ' || letter > '~' }) >= 0 {
		return wrong("target", "has a letter that no address has, such as a space or a line's end")
	}
	if strings.HasPrefix(target, "http://") || strings.HasPrefix(target, "https://") {
		return wrong("target", "is a URL; it is like host:port, and WithPlaintext says whether there is TLS")
	}
	for _, list := range addressLists {
		if addresses := strings.TrimPrefix(target, list.Scheme()+":"); addresses != target {
			for _, address := range strings.Split(addresses, ",") {
				if !isAddress(list.Scheme(), address) {
					return wrong("target", "is a list, and '%s' of it is no address and port", address)
				}
			}
		}
	}
	return nil
}

func isAddress(scheme, address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
		return false
	}
	// A zone belongs to this machine, as in fe80::1%eth0.
	host, _, _ = strings.Cut(host, "%")
	ip := net.ParseIP(host)
	return ip != nil && strings.Contains(host, ":") == (scheme == "ipv6")
}

func isPrintable(text string) bool {
	for i := 0; i < len(text); i++ {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// checkMetadata fails for what gRPC cannot send. Names are in small letters
// already.
func checkMetadata(all metadata.MD) error {
	for name, values := range all {
		if strings.HasPrefix(name, ":") {
			continue // Of an incoming call that is passed on; gRPC leaves it out.
		}
		option := fmt.Sprintf("metadata[%q]", name)
		if name == "" || strings.IndexFunc(name, isNoLetterOfNames) >= 0 {
			return wrong(option, "cannot be sent; names have letters, digits and -_.")
		}
		if strings.HasPrefix(name, "grpc-") {
			return wrong(option, "is gRPC's own; names begin with other than grpc-")
		}
		for _, value := range values {
			if !isPrintable(value) && !strings.HasSuffix(name, "-bin") {
				return wrong(option, "has what is no printable ASCII letter, such as a line's end; "+
					"names that end with -bin take any bytes")
			}
		}
	}
	return nil
}

func isNoLetterOfNames(letter rune) bool {
	return !('a' <= letter && letter <= 'z' || '0' <= letter && letter <= '9' ||
		strings.ContainsRune("-_.", letter))
}
