package llmgateway

import (
	"strings"

	"google.golang.org/grpc/resolver"
)

// addressLists are targets that name addresses, `ipv4:10.0.0.1:443,10.0.0.2:443`
// and `ipv6:[::1]:443`, which gRPC for Go does not know by itself.
var addressLists = []resolver.Builder{addressList("ipv4"), addressList("ipv6")}

func isAddressList(target string) bool {
	for _, list := range addressLists {
		if strings.HasPrefix(target, list.Scheme()+":") {
			return strings.Contains(target, ",")
		}
	}
	return false
}

// addressList resolves a list of addresses, once and for all, which New has
// checked; its value is the scheme.
type addressList string

func (a addressList) Scheme() string { return string(a) }

func (a addressList) Build(target resolver.Target, connection resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	var state resolver.State
	for _, address := range strings.Split(target.Endpoint(), ",") {
		state.Addresses = append(state.Addresses, resolver.Address{Addr: address})
	}
	return a, connection.UpdateState(state)
}

func (addressList) ResolveNow(resolver.ResolveNowOptions) {}

func (addressList) Close() {}
