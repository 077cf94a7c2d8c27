package io.holdfast.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against a server of our own that offers an archive of the same form as the project's. */
class ReleaseArchiveTest {

  private static final String STEM = "nats-server-v2.15.9-linux-amd64";

  @TempDir Path folder;
  private HttpServer http;
  private URI downloads;
  private String sum;

  @BeforeEach
  void offerArchive() throws Exception {
    FakeServer.in(folder.resolve(STEM), "2.15.9");
    Command.run(folder, Duration.ofSeconds(10), List.of("tar", "-czf", "archive.tar.gz", STEM));
    byte[] archive = Files.readAllBytes(folder.resolve("archive.tar.gz"));
    sum = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(archive));
    http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    http.createContext(
        "/v2.15.9/" + STEM + ".tar.gz",
        exchange -> {
          exchange.sendResponseHeaders(200, archive.length);
          exchange.getResponseBody().write(archive);
          exchange.close();
        });
    http.start();
    downloads = URI.create("http://127.0.0.1:%d/v2.15.9/".formatted(http.getAddress().getPort()));
  }

  @AfterEach
  void stopOffering() {
    http.stop(0);
  }

  @Test
  void unpacks_the_server_of_an_archive_with_the_right_sum() throws IOException {
    Path server = unpack(new ReleaseArchive(downloads, "2.15.9", sums(sum), "linux-amd64"));
    assertThat(NatsServerBinary.at(server).orElseThrow().version()).hasToString("2.15.9");
  }

  @Test
  void uses_nothing_of_an_archive_with_another_sum() {
    String other = sum.replace(sum.charAt(0), sum.charAt(0) == '0' ? '1' : '0');
    var archive = new ReleaseArchive(downloads, "2.15.9", sums(other), "linux-amd64");
    assertThatThrownBy(() -> unpack(archive))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("has SHA-256 " + sum)
        .hasMessageContaining("not used");
    assertThat(folder.resolve("own").resolve(STEM)).doesNotExist();
  }

  @Test
  void says_so_when_there_is_no_archive() {
    var unknown = new ReleaseArchive(downloads, "2.15.9", sums(sum), "plan9-mips");
    assertThatThrownBy(() -> unpack(unknown)).hasMessageContaining("plan9-mips");
    var gone = new ReleaseArchive(downloads, "2.15.8", sums(sum), "linux-amd64");
    assertThatThrownBy(() -> unpack(gone)).hasMessageContaining("answered 404");
  }

  @ParameterizedTest
  @CsvSource({
    "Linux, amd64, linux-amd64",
    "Linux, aarch64, linux-arm64",
    "Mac OS X, x86_64, darwin-amd64",
    "Mac OS X, aarch64, darwin-arm64"
  })
  void has_a_sum_for_every_platform_that_it_promises(String os, String architecture, String name) {
    assertThat(ReleaseArchive.platform(os, architecture)).isEqualTo(name);
    assertThat(ReleaseArchive.pinned().sha256().get(name)).matches("[0-9a-f]{64}");
  }

  private Path unpack(ReleaseArchive archive) throws IOException {
    return archive.unpackInto(Files.createDirectories(folder.resolve("own")), line -> {});
  }

  private static Map<String, String> sums(String sum) {
    return Map.of("linux-amd64", sum);
  }
}
