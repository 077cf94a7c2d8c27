package io.holdfast.runtime.config;

import io.holdfast.runtime.security.Nkey;
import io.holdfast.runtime.security.TlsFiles;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Where the broker is, and who we are there: a user with a password, an nkey, or a file with
 * credentials; nobody if it asks nobody.
 *
 * @param urls at least one
 * @param user with its password
 * @param nkey of which the broker knows the public half
 * @param credentials a user's JWT and seed, in the file that {@code nsc} writes; read anew for each
 *     connection
 * @param tls empty for a connection in the clear
 */
public record NatsSettings(
    List<String> urls,
    Optional<String> user,
    Optional<Secret> password,
    Optional<Nkey> nkey,
    Optional<Path> credentials,
    Optional<TlsFiles> tls) {

  public NatsSettings {
    urls = List.copyOf(urls);
    if (user.isPresent() != password.isPresent()) {
      throw new IllegalArgumentException("NATS_USER and NATS_PASSWORD go together");
    }
    if (Stream.of(user, nkey, credentials).filter(Optional::isPresent).count() > 1) {
      throw new IllegalArgumentException(
          "NATS_USER, NATS_NKEY_SEED and NATS_CREDS exclude each other");
    }
  }

  /**
   * Reads, and looks into every file that is named, so that a wrong one stops the start.
   *
   * @return makes them, once nothing else is at fault either
   */
  static Supplier<NatsSettings> read(Settings settings) {
    List<String> urls = urls(settings);
    Optional<String> user = settings.optional("NATS_USER");
    Optional<Secret> password = settings.secret("NATS_PASSWORD");
    Optional<Nkey> nkey = nkey(settings);
    Optional<Path> credentials =
        file(settings, "NATS_CREDS", NatsSettings::checkCredentials, "a user's credentials");
    Optional<Path> authority =
        file(settings, "NATS_TLS_CA", TlsFiles::checkCertificates, "certificates in PEM");
    Optional<Path> certificate =
        file(settings, "NATS_TLS_CERT", TlsFiles::checkCertificates, "certificates in PEM");
    Optional<Path> key = file(settings, "NATS_TLS_KEY", TlsFiles::checkKey, "a private key in PEM");
    boolean pair = settings.optional("NATS_TLS_CERT").isPresent();
    if (pair != settings.optional("NATS_TLS_KEY").isPresent()) {
      settings.fault(
          pair ? "NATS_TLS_KEY" : "NATS_TLS_CERT",
          "",
          "must be set, as NATS_TLS_CERT and NATS_TLS_KEY go together");
    }
    boolean encrypted =
        authority.isPresent()
            || certificate.isPresent()
            || urls.stream().anyMatch(url -> url.startsWith("tls:"));
    return () ->
        new NatsSettings(
            urls,
            user,
            password,
            nkey,
            credentials,
            encrypted ? Optional.of(new TlsFiles(authority, certificate, key)) : Optional.empty());
  }

  /** Names or addresses of the servers, without ports. */
  public List<String> hosts() {
    return urls.stream().map(url -> URI.create(url).getHost()).toList();
  }

  /** The two parts of a credentials file. */
  public record Credentials(Secret token, Nkey key) {}

  /**
   * What a credentials file holds now.
   *
   * @throws IOException if it cannot be read; the message says nothing of its content
   */
  public static Credentials credentials(Path file) throws IOException {
    List<String> lines = Files.readAllLines(file);
    Optional<String> token = behind(lines, "-----BEGIN NATS USER JWT-----");
    Optional<String> seed = behind(lines, "-----BEGIN USER NKEY SEED-----");
    if (token.isEmpty() || seed.isEmpty()) {
      throw new IOException("there are no credentials in it");
    }
    try {
      return new Credentials(new Secret(token.get()), Nkey.ofSeed(new Secret(seed.get())));
    } catch (IllegalArgumentException e) {
      throw new IOException("its seed is none of a user", e);
    }
  }

  private static Optional<String> behind(List<String> lines, String mark) {
    return lines.stream()
        .map(String::strip)
        .dropWhile(line -> !line.equals(mark))
        .skip(1)
        .filter(line -> !line.isEmpty())
        .findFirst();
  }

  private static void checkCredentials(Path file) throws IOException {
    credentials(file);
  }

  private static Optional<Nkey> nkey(Settings settings) {
    try {
      return settings.secret("NATS_NKEY_SEED").map(Nkey::ofSeed);
    } catch (IllegalArgumentException e) {
      settings.fault("NATS_NKEY_SEED", "***", e.getMessage());
      return Optional.empty();
    }
  }

  private interface Check {
    void accept(Path file) throws IOException;
  }

  /** Somebody may have given the content for its path: what does not look like one is not shown. */
  private static Optional<Path> file(Settings settings, String name, Check check, String content) {
    Optional<String> value = settings.optional(name);
    if (value.isEmpty()) {
      return Optional.empty();
    }
    boolean showable = value.get().matches("\\.{0,2}/[^\\p{Cntrl}]{1,500}");
    try {
      Path file = Path.of(value.get());
      check.accept(file);
      return Optional.of(file);
    } catch (IOException | InvalidPathException e) {
      settings.fault(
          name, showable ? value.get() : "***", "must name a file that holds " + content);
      return Optional.empty();
    }
  }

  private static List<String> urls(Settings settings) {
    String value = settings.optional("NATS_URL").orElse("nats://127.0.0.1:4222");
    List<String> urls = List.of(value.split(",", -1));
    for (String url : urls) {
      URI uri;
      try {
        uri = URI.create(url.strip());
      } catch (IllegalArgumentException malformed) {
        uri = null;
      }
      if (uri == null
          || uri.getHost() == null
          || !("nats".equals(uri.getScheme()) || "tls".equals(uri.getScheme()))
          || uri.getUserInfo() != null) {
        settings.fault(
            "NATS_URL",
            value.contains("@") ? "***" : value,
            "must be nats://host:port, several parted by commas, without user or password");
        break;
      }
    }
    return urls.stream().map(String::strip).toList();
  }
}
