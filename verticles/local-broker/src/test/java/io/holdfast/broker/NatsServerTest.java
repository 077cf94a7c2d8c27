package io.holdfast.broker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.nats.client.Connection;
import io.nats.client.Nats;
import io.nats.client.api.StorageType;
import io.nats.client.api.StreamConfiguration;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@SuppressWarnings("try") // a Connection may be interrupted while it closes; then the test fails
class NatsServerTest {

  private static final NatsServerBinary BINARY =
      NatsServerBinary.require(ProjectRoot.toolsFolder());

  @TempDir Path folder;

  @Test
  void answers_once_started_and_is_gone_once_stopped() throws Exception {
    try (NatsServer server = start(NatsServerConfig.in(folder))) {
      assertThat(server.isAlive()).isTrue();
      assertThat(server.version()).isEqualTo(BINARY.version());
      assertThat(server.url()).isEqualTo("nats://127.0.0.1:" + server.port());
      assertThat(folder.resolve("nats-server.pid")).hasContent(Long.toString(server.pid()));
      try (Connection connection = Nats.connect(server.url())) {
        assertThat(connection.getServerInfo().isJetStreamAvailable()).isTrue();
        assertThat(connection.getMaxPayload()).isEqualTo(1_048_576);
      }
      ProcessHandle process = ProcessHandle.of(server.pid()).orElseThrow();

      server.stop();

      assertThat(server.isAlive()).isFalse();
      assertThat(process.isAlive()).isFalse();
      assertThat(folder.resolve("nats-server.pid")).doesNotExist();
      assertThat(server.logFile()).content().contains("Server Exiting");
    }
  }

  @Test
  void a_message_outlives_kill_9_and_is_there_on_the_same_port_after_the_restart()
      throws Exception {
    try (NatsServer server = start(NatsServerConfig.in(folder))) {
      int port = server.port();
      long firstPid = server.pid();
      try (Connection connection = Nats.connect(server.url())) {
        connection
            .jetStreamManagement()
            .addStream(
                StreamConfiguration.builder()
                    .name("ORDERS")
                    .subjects("orders.>")
                    .storageType(StorageType.File)
                    .build());
        connection
            .jetStream()
            .publish("orders.created.o1", "kept".getBytes(StandardCharsets.UTF_8));
        server.kill();
      }
      assertThat(server.isAlive()).isFalse();

      server.restart();

      assertThat(server.port()).isEqualTo(port);
      assertThat(server.pid()).isNotEqualTo(firstPid);
      try (Connection connection = Nats.connect(server.url())) {
        var message = connection.jetStreamManagement().getMessage("ORDERS", 1);
        assertThat(message.getData()).asString().isEqualTo("kept");
      }
    }
  }

  @Test
  void restart_stops_a_server_that_runs_and_close_is_for_good() throws Exception {
    NatsServer server = start(NatsServerConfig.in(folder));
    ProcessHandle first = ProcessHandle.of(server.pid()).orElseThrow();
    server.restart();
    assertThat(first.isAlive()).isFalse();
    assertThat(server.isAlive()).isTrue();

    server.close();
    assertThat(server.isAlive()).isFalse();
    assertThatThrownBy(server::restart).hasMessageContaining("closed");
    assertThatThrownBy(server::pause).hasMessageContaining("does not run");
  }

  @Test
  void syncs_every_write_unless_told_otherwise() throws Exception {
    try (NatsServer server = start(NatsServerConfig.in(folder).monitoringPort(0))) {
      assertThat(server.configFile()).content().contains("sync_interval: always");
      assertThat(get(server.monitoringUrl().orElseThrow() + "/jsz"))
          .containsPattern("\"sync_always\":\\s*true");
    }
    try (NatsServer server = start(NatsServerConfig.in(folder).syncAlways(false))) {
      assertThat(server.configFile()).content().doesNotContain("sync_interval");
      assertThat(server.monitoringUrl()).isEmpty();
    }
  }

  @Test
  void takes_every_setting() throws Exception {
    var config =
        NatsServerConfig.in(folder.resolve("a folder"))
            .storeDir(folder.resolve("streams \"here\""))
            .serverName("broker-1")
            .maxPayload(2_000_000)
            .maxFileStore(50_000_000)
            .monitoringPort(0)
            .extra("max_connections: 7");
    try (NatsServer server = start(config)) {
      assertThat(get(server.monitoringUrl().orElseThrow() + "/varz"))
          .containsPattern("\"server_name\":\\s*\"broker-1\"")
          .containsPattern("\"max_payload\":\\s*2000000\\b")
          .containsPattern("\"max_storage\":\\s*50000000\\b")
          .containsPattern("\"max_connections\":\\s*7\\b");
      assertThat(folder.resolve("streams \"here\"/jetstream")).isDirectory();
    }
  }

  @Test
  void two_servers_run_at_once_each_on_a_port_of_its_own() {
    try (NatsServer one = start(NatsServerConfig.in(folder.resolve("one")));
        NatsServer two = start(NatsServerConfig.in(folder.resolve("two")))) {
      assertThat(one.port()).isNotEqualTo(two.port());
      one.stop();
      assertThat(two.isAlive()).isTrue();
    }
  }

  @Test
  void stops_also_when_its_folder_has_been_deleted() throws Exception {
    NatsServer server = start(NatsServerConfig.in(folder.resolve("short-lived")));
    Files.move(folder.resolve("short-lived"), folder.resolve("gone"));
    server.close();
    assertThat(server.isAlive()).isFalse();
  }

  @Test
  void a_second_server_in_the_same_folder_is_refused() {
    try (NatsServer first = start(NatsServerConfig.in(folder))) {
      assertThatThrownBy(() -> start(NatsServerConfig.in(folder)))
          .isInstanceOf(NatsServerException.class)
          .hasMessageContaining("already runs")
          .hasMessageContaining(Long.toString(first.pid()));
      assertThat(first.isAlive()).isTrue();
    }
  }

  @Test
  void a_start_that_fails_throws_with_the_end_of_the_log() throws Exception {
    Path file = Files.writeString(folder.resolve("file"), "not a folder");
    assertThatThrownBy(() -> start(NatsServerConfig.in(folder).storeDir(file)))
        .isInstanceOf(NatsServerException.class)
        .hasMessageContaining("ended with code 1")
        .hasMessageContaining("nats-server.log")
        .hasMessageContaining("storage directory");
  }

  @Test
  void a_port_that_another_program_has_fails_the_start() throws Exception {
    try (var other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      assertThatThrownBy(() -> start(NatsServerConfig.in(folder).port(other.getLocalPort())))
          .isInstanceOf(NatsServerException.class)
          .hasMessageContaining("address already in use");
    }
  }

  @Test
  void pauses_without_losing_connections_and_goes_on() throws Exception {
    try (NatsServer server = start(NatsServerConfig.in(folder));
        Connection connection = Nats.connect(server.url())) {
      server.pause();
      assertThatThrownBy(() -> connection.flush(Duration.ofMillis(200)))
          .isInstanceOf(TimeoutException.class);

      server.resume();
      connection.flush(Duration.ofSeconds(5));
      assertThat(connection.getStatistics().getReconnects()).isZero();
    }
  }

  @Test
  void a_paused_server_stops_cleanly() {
    try (NatsServer server = start(NatsServerConfig.in(folder))) {
      server.pause();
      server.stop();
      assertThat(server.logFile()).content().contains("Server Exiting");
    }
  }

  private static NatsServer start(NatsServerConfig.Builder config) {
    return NatsServer.start(BINARY, config.build());
  }

  private static String get(String url) throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client
          .send(
              HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString())
          .body();
    }
  }
}
