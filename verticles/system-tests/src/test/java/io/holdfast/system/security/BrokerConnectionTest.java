package io.holdfast.system.security;

import static io.holdfast.testkit.Eventually.eventually;
import static io.holdfast.testkit.Streams.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.broker.NatsServer;
import io.holdfast.broker.NatsServerBinary;
import io.holdfast.broker.NatsServerConfig;
import io.holdfast.broker.ProjectRoot;
import io.holdfast.runtime.boot.Platform;
import io.holdfast.runtime.config.CommonSettings;
import io.holdfast.runtime.config.Settings;
import io.holdfast.runtime.jetstream.Broker;
import io.holdfast.runtime.security.Nkey;
import io.holdfast.testkit.TestCertificates;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a process says who it is and talks to nobody but the right broker, and new certificates
 * need no restart. Method: real servers that ask for it, and the runtime's own connection.
 */
class BrokerConnectionTest {

  private static final Duration ANSWER = Duration.ofSeconds(5);

  @TempDir Path folder;

  private final Platform platform = Platform.start();
  private NatsServer server;
  private Broker broker;
  private Relay line;

  @AfterEach
  void close() {
    get(platform.close());
    if (line != null) {
      line.close();
    }
    if (server != null) {
      server.close();
    }
  }

  @Test
  void an_nkey_lets_in_who_has_its_seed_and_nobody_else() {
    Nkey known = Nkey.random();
    start("authorization { users: [ { nkey: " + known.publicKey() + " } ] }");

    connect(Map.of("NATS_NKEY_SEED", known.seed().reveal()));

    awaitUsable();
    assertThat(refused(Map.of("NATS_NKEY_SEED", Nkey.random().seed().reveal())))
        .containsIgnoringCase("authorization");
  }

  @Test
  void credentials_let_in_whom_their_operator_vouched_for_and_may_be_replaced() throws Exception {
    Path file = folder.resolve("user.creds");
    JwtOperator operator = new JwtOperator();
    Files.writeString(file, operator.credentials(Nkey.random()));
    start(operator.serverConfiguration());
    line = new Relay(server.port());

    connect(Map.of("NATS_URL", line.url(), "NATS_CREDS", file.toString()));
    awaitUsable();
    Files.writeString(file, operator.credentials(Nkey.random()));
    reconnect();

    awaitUsable();
    Path foreign = folder.resolve("foreign.creds");
    Files.writeString(foreign, new JwtOperator().credentials(Nkey.random()));
    assertThat(refused(Map.of("NATS_CREDS", foreign.toString())))
        .containsIgnoringCase("authorization");
  }

  @Test
  void certificates_are_replaced_under_a_running_process() throws Exception {
    Path live = Files.createDirectories(folder.resolve("live"));
    install(authorityWith("first"), live);
    start(
        "tls { cert_file: \"%1$s/server.crt\", key_file: \"%1$s/server.key\", ca_file: \"%1$s/ca.crt\", verify: true }"
            .formatted(live));
    line = new Relay(server.port());
    connect(
        Map.of(
            "NATS_URL", line.url(),
            "NATS_TLS_CA", live.resolve("ca.crt").toString(),
            "NATS_TLS_CERT", live.resolve("client.crt").toString(),
            "NATS_TLS_KEY", live.resolve("client.key").toString()));
    awaitUsable();

    TestCertificates second = authorityWith("second");
    Map<String, String> outdated = clientOf(folder.resolve("first"));
    install(second, live);
    reload();
    reconnect();

    awaitUsable();
    assertThat(get(broker.request("$JS.API.INFO", null, null, ANSWER)).getData()).isNotEmpty();
    assertThat(refused(outdated)).contains("TLS: "); // the server has really changed its own
  }

  @Test
  void a_server_whose_certificate_is_for_another_name_is_not_spoken_to() {
    TestCertificates certificates =
        TestCertificates.in(folder.resolve("own")).issue("server", "dns:elsewhere.example");
    start(
        "tls { cert_file: \"%s\", key_file: \"%s\" }"
            .formatted(certificates.certificate("server"), certificates.key("server")));

    assertThat(refused(Map.of("NATS_TLS_CA", certificates.authority().toString())))
        .contains("TLS: ", "No subject alternative names matching IP address 127.0.0.1");
  }

  @Test
  void a_server_that_nobody_vouches_for_or_that_does_not_encrypt_is_not_spoken_to() {
    TestCertificates certificates =
        TestCertificates.in(folder.resolve("own")).issue("server", "ip:127.0.0.1");
    start(
        "tls { cert_file: \"%s\", key_file: \"%s\" }"
            .formatted(certificates.certificate("server"), certificates.key("server")));
    assertThat(refused(Map.of("NATS_URL", server.url().replace("nats:", "tls:"))))
        .contains("TLS: ", "unable to find valid certification path");
    server.close();

    start("");
    assertThat(refused(Map.of("NATS_TLS_CA", certificates.authority().toString())))
        .startsWith("cannot connect");
  }

  private void start(String configuration) {
    server =
        NatsServer.start(
            NatsServerBinary.require(ProjectRoot.toolsFolder()),
            NatsServerConfig.in(folder.resolve("nats-" + System.nanoTime()))
                .syncAlways(false)
                .extra(configuration)
                .build());
  }

  private void connect(Map<String, String> variables) {
    broker = platform.broker(settings(variables), "test");
    broker.begin();
  }

  private CommonSettings settings(Map<String, String> variables) {
    Map<String, String> env = new HashMap<>(Map.of("NATS_URL", server.url()));
    env.putAll(variables);
    return CommonSettings.read(new Settings(env), 0);
  }

  private void awaitUsable() {
    eventually("connected", broker::problem, String::isEmpty);
  }

  private void reconnect() {
    int before = line.accepted();
    line.tear();
    eventually("the client connects anew", () -> line.accepted() > before);
  }

  private void reload() {
    server.reload();
    eventually(
        "the server has read its files anew",
        () -> Files.readString(server.logFile()).contains("Reloaded: tls"));
  }

  /** Why a connection of another process is not made. */
  private String refused(Map<String, String> variables) {
    Platform other = Platform.start();
    try {
      Broker attempt = other.broker(settings(variables), "other");
      attempt.begin();
      String problem =
          eventually("refused", attempt::problem, why -> why.startsWith("cannot connect: "));
      assertThat(attempt.usable()).isFalse();
      return problem;
    } finally {
      get(other.close());
    }
  }

  private TestCertificates authorityWith(String name) {
    return TestCertificates.in(folder.resolve(name))
        .issue("server", "ip:127.0.0.1")
        .issue("client", "dns:client");
  }

  private static Map<String, String> clientOf(Path folder) {
    return Map.of(
        "NATS_TLS_CA", folder.resolve("authority.crt").toString(),
        "NATS_TLS_CERT", folder.resolve("client.crt").toString(),
        "NATS_TLS_KEY", folder.resolve("client.key").toString());
  }

  private static void install(TestCertificates from, Path live) throws IOException {
    Files.copy(from.authority(), live.resolve("ca.crt"), StandardCopyOption.REPLACE_EXISTING);
    for (String alias : List.of("server", "client")) {
      Files.copy(
          from.certificate(alias),
          live.resolve(alias + ".crt"),
          StandardCopyOption.REPLACE_EXISTING);
      Files.copy(
          from.key(alias), live.resolve(alias + ".key"), StandardCopyOption.REPLACE_EXISTING);
    }
  }
}
