package io.holdfast.broker;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/**
 * A release archive of the upstream project, of one version whose SHA-256 sums are written down
 * here: whoever changes the archive on its way, or on the server, is noticed.
 *
 * @param downloads the folder that holds the archives
 * @param sha256 in hex, by platform ({@code linux-amd64})
 */
record ReleaseArchive(URI downloads, String version, Map<String, String> sha256, String platform)
    implements ServerSource {

  private static final Duration CONNECT = Duration.ofSeconds(15);
  private static final Duration DOWNLOAD = Duration.ofMinutes(5);
  private static final Duration UNPACK = Duration.ofMinutes(1);

  /** The sums are those of the release's own SHA256SUMS. */
  static ReleaseArchive pinned() {
    return new ReleaseArchive(
        URI.create("https://github.com/nats-io/nats-server/releases/download/v2.15.0/"),
        "2.15.0",
        Map.of(
            "linux-amd64", "5d2c51caca950333aba84911df7d377f826f3a59ec36061c6539105084f65c92",
            "linux-arm64", "cdc208f5a3f42963a52b6ab06ef65626bb870315dc936e26ba571780c6351112",
            "darwin-amd64", "5bd8b59ca5bf93fab3da2c5843cf564cd6e2e291e22ae3b861746e7ebe259b95",
            "darwin-arm64", "e1c4e22d70bd44abfa0bcb3c16f7cf0c66f648c2e728c58924e8a1ce88913cc8"),
        platform(System.getProperty("os.name"), System.getProperty("os.arch")));
  }

  /** As the release names it, from the JDK's {@code os.name} and {@code os.arch}. */
  static String platform(String osName, String osArch) {
    String os = osName.startsWith("Mac") ? "darwin" : osName.toLowerCase(Locale.ROOT);
    String architecture =
        switch (osArch) {
          case "x86_64" -> "amd64";
          case "aarch64" -> "arm64";
          default -> osArch;
        };
    return os + "-" + architecture;
  }

  @Override
  public String name() {
    return "the release %s of the nats-server project (about 7 MB)".formatted(version);
  }

  @Override
  public Path unpackInto(Path folder, Consumer<String> progress) throws IOException {
    String expected = sha256.get(platform);
    if (expected == null) {
      throw new IOException("we know no release archive for " + platform);
    }
    String stem = "nats-server-v%s-%s".formatted(version, platform);
    Path archive = folder.resolve(stem + ".tar.gz");
    download(downloads.resolve(stem + ".tar.gz"), archive);
    String actual = sha256Of(archive);
    if (!actual.equals(expected)) {
      throw new IOException(
          "%s has SHA-256 %s, not %s; it is not used"
              .formatted(archive.getFileName(), actual, expected));
    }
    String server = stem + "/" + NatsServerBinary.NAME;
    Command.run(folder, UNPACK, List.of("tar", "-xzf", archive.toString(), server));
    return folder.resolve(server);
  }

  private static void download(URI from, Path to) throws IOException {
    HttpClient client =
        HttpClient.newBuilder()
            .connectTimeout(CONNECT)
            .followRedirects(HttpClient.Redirect.NORMAL)
            .build();
    try {
      HttpResponse<Path> response =
          client
              .sendAsync(HttpRequest.newBuilder(from).build(), HttpResponse.BodyHandlers.ofFile(to))
              .get(DOWNLOAD.toSeconds(), TimeUnit.SECONDS);
      if (response.statusCode() != 200) {
        throw new IOException("%s answered %d".formatted(from, response.statusCode()));
      }
    } catch (ExecutionException e) {
      throw new IOException("%s cannot be downloaded: %s".formatted(from, e.getCause()), e);
    } catch (TimeoutException e) {
      throw new IOException(
          "%s was not there within %d s".formatted(from, DOWNLOAD.toSeconds()), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while downloading");
    } finally {
      client.shutdownNow();
    }
  }

  private static String sha256Of(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file);
        var digesting = new DigestInputStream(in, MessageDigest.getInstance("SHA-256"))) {
      digesting.transferTo(OutputStream.nullOutputStream());
      return HexFormat.of().formatHex(digesting.getMessageDigest().digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
