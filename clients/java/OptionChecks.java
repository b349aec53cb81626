package dev.llmgateway;

import io.grpc.Metadata;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Finds what is wrong in options, and throws it as a {@link ConfigurationException}. */
final class OptionChecks {
  private static final Pattern LIST = Pattern.compile("(ipv[46]):(.*)");
  private static final Pattern IPV4 = Pattern.compile("([0-9]{1,3}(?:\\.[0-9]{1,3}){3}):([0-9]+)");
  private static final Pattern IPV6 =
      Pattern.compile("\\[([0-9a-fA-F.]*:[0-9a-fA-F:.]*(?:%[^\\]]+)?)\\]:([0-9]+)");
  private static final Pattern NAME = Pattern.compile("[0-9a-z_.-]+");
  private static final int PORT_MAX = 65535;
  private static final int OCTET_MAX = 255;

  private OptionChecks() {}

  static void checkTarget(String target) {
    if (target == null || target.isEmpty()) {
      throw new ConfigurationException("target", "is empty; it is like host:port");
    }
    if (!target.chars().allMatch(letter -> letter > ' ' && letter <= '~')) {
      throw new ConfigurationException(
          "target", "has a letter that no address has, such as a space or a line's end");
    }
    if (target.startsWith("http://") || target.startsWith("https://")) {
      throw new ConfigurationException(
          "target", "is a URL; it is like host:port, and plaintext says whether there is TLS");
    }
    Matcher list = LIST.matcher(target);
    if (list.matches()) {
      for (String address : list.group(2).split(",", -1)) {
        if (!isAddress(list.group(1), address)) {
          throw new ConfigurationException(
              "target", "is a list, and '" + address + "' of it is no address and port");
        }
      }
    }
  }

  static boolean isAddressList(String target) {
    return LIST.matcher(target).matches() && target.contains(",");
  }

  private static boolean isAddress(String scheme, String address) {
    Matcher parts = (scheme.equals("ipv4") ? IPV4 : IPV6).matcher(address);
    if (!parts.matches() || !isNumber(parts.group(2), 1, PORT_MAX)) {
      return false;
    }
    if (scheme.equals("ipv4")) {
      for (String octet : parts.group(1).split("\\.")) {
        if (!isNumber(octet, 0, OCTET_MAX)) {
          return false;
        }
      }
    }
    return true;
  }

  private static boolean isNumber(String digits, int least, int most) {
    return digits.length() <= 5
        && Integer.parseInt(digits) >= least
        && Integer.parseInt(digits) <= most;
  }

  /** What is wrong in the text is not shown. */
  static void checkText(String option, String text) {
    if (!text.chars().allMatch(letter -> letter >= ' ' && letter <= '~')) {
      throw new ConfigurationException(
          option, "has what is no printable ASCII letter, such as a line's end");
    }
  }

  static void checkTimeout(String option, Duration timeout) {
    if (timeout != null && timeout.compareTo(Duration.ZERO) <= 0) {
      throw new ConfigurationException(
          option, "is " + timeout + "; it is more than 0, or null for no limit");
    }
  }

  /** The file's bytes, once they are known to have such a thing in PEM. */
  static InputStream readPem(String option, File file, String thing) {
    byte[] bytes;
    try {
      bytes = Files.readAllBytes(file.toPath());
    } catch (IOException unreadable) {
      throw new ConfigurationException(option, "cannot be read: " + file, unreadable);
    }
    if (!new String(bytes, StandardCharsets.ISO_8859_1).contains(thing + "-----")) {
      throw new ConfigurationException(option, "has no " + thing + " in PEM: " + file);
    }
    return new ByteArrayInputStream(bytes);
  }

  static Metadata.Key<String> textKey(String name, String value) {
    String option = checkName(name);
    if (name.endsWith(Metadata.BINARY_HEADER_SUFFIX)) {
      throw new ConfigurationException(option, "is text; of names that end with -bin it is bytes");
    }
    checkText(option, value);
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }

  static Metadata.Key<byte[]> bytesKey(String name) {
    String option = checkName(name);
    if (!name.endsWith(Metadata.BINARY_HEADER_SUFFIX)) {
      throw new ConfigurationException(
          option, "is bytes, which only names have that end with -bin");
    }
    return Metadata.Key.of(name, Metadata.BINARY_BYTE_MARSHALLER);
  }

  // Returns what to call it.
  private static String checkName(String name) {
    String option =
        "metadata[\""
            + name.replace("\n", "\\n").replace("\r", "\\r").replace("\"", "\\\"")
            + "\"]";
    String sent = name.toLowerCase(Locale.ROOT);
    if (!NAME.matcher(sent).matches()) {
      throw new ConfigurationException(
          option, "cannot be sent; names have letters, digits and -_.");
    }
    if (sent.startsWith("grpc-")) {
      throw new ConfigurationException(
          option, "is gRPC's own; names begin with other than grpc-");
    }
    return option;
  }
}
