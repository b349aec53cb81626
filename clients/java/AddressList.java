package dev.llmgateway;

import io.grpc.EquivalentAddressGroup;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.NameResolverRegistry;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;

/**
 * Targets that name addresses, {@code ipv4:10.0.0.1:443,10.0.0.2:443} and {@code ipv6:[::1]:443},
 * which gRPC for Java does not know by itself.
 */
final class AddressList extends NameResolverProvider {
  private static boolean registered;

  private final String scheme;

  private AddressList(String scheme) {
    this.scheme = scheme;
  }

  static synchronized void register() {
    if (!registered) {
      NameResolverRegistry.getDefaultRegistry().register(new AddressList("ipv4"));
      NameResolverRegistry.getDefaultRegistry().register(new AddressList("ipv6"));
      registered = true;
    }
  }

  @Override
  protected boolean isAvailable() {
    return true;
  }

  @Override
  protected int priority() {
    return 4; // Others that know the scheme, as newer versions of gRPC may, come first.
  }

  @Override
  public String getDefaultScheme() {
    return scheme;
  }

  @Override
  public NameResolver newNameResolver(URI target, NameResolver.Args args) {
    if (!scheme.equals(target.getScheme())) {
      return null;
    }
    List<EquivalentAddressGroup> addresses = new ArrayList<>();
    for (String address : target.getSchemeSpecificPart().split(",")) {
      // Reads `host:port` and `[::1]:port`, which the builder has checked.
      URI place = URI.create("//" + address);
      addresses.add(
          new EquivalentAddressGroup(new InetSocketAddress(place.getHost(), place.getPort())));
    }
    return new NameResolver() {
      @Override
      public String getServiceAuthority() {
        return target.getSchemeSpecificPart().split(",")[0];
      }

      @Override
      public void start(Listener2 listener) {
        listener.onResult(ResolutionResult.newBuilder().setAddresses(addresses).build());
      }

      @Override
      public void shutdown() {}
    };
  }
}
