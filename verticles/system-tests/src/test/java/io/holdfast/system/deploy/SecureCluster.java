package io.holdfast.system.deploy;

import io.holdfast.broker.ClusterRoutes;
import io.holdfast.broker.NatsServer;
import io.holdfast.broker.NatsServerBinary;
import io.holdfast.broker.NatsServerConfig;
import io.holdfast.broker.ProjectRoot;
import io.holdfast.system.security.LimitedUsers;
import io.holdfast.testkit.TestCertificates;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Three nats-servers as in production: everything encrypted, both ends by certificate, and a user
 * for each service.
 */
final class SecureCluster implements AutoCloseable {

  static final int NODES = 3;

  private final TestCertificates certificates;
  private final List<NatsServer> nodes = new ArrayList<>();

  SecureCluster(Path folder, String namespace) {
    certificates =
        TestCertificates.in(folder.resolve("certificates"))
            .issue("node", "ip:127.0.0.1")
            .issue("service", "dns:service");
    String tls =
        "tls { cert_file: \"%s\", key_file: \"%s\", ca_file: \"%s\", verify: true }"
            .formatted(
                certificates.certificate("node"),
                certificates.key("node"),
                certificates.authority());
    ClusterRoutes routes = ClusterRoutes.here("holdfast", NODES);
    try {
      for (int node = 0; node < NODES; node++) {
        nodes.add(
            NatsServer.start(
                NatsServerBinary.require(ProjectRoot.toolsFolder()),
                NatsServerConfig.in(folder.resolve("node" + node))
                    .serverName("node" + node)
                    .maxFileStore(16L << 30) // the streams' limits together, which they won't reach
                    .extra(
                        tls
                            + "\n"
                            + LimitedUsers.authorization(namespace)
                            + routes.of(node, "no_advertise: true", tls))
                    .build()));
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  String urls() {
    return nodes.stream().map(NatsServer::url).collect(Collectors.joining(","));
  }

  /** By which a process of this user finds its way in. */
  Map<String, String> variables(String user) {
    Map<String, String> variables = new HashMap<>(LimitedUsers.variables(user));
    variables.put("NATS_URL", urls());
    variables.put("NATS_TLS_CA", certificates.authority().toString());
    variables.put("NATS_TLS_CERT", certificates.certificate("service").toString());
    variables.put("NATS_TLS_KEY", certificates.key("service").toString());
    variables.put("STREAM_REPLICAS", Integer.toString(NODES));
    return variables;
  }

  @Override
  public void close() {
    nodes.forEach(NatsServer::close);
  }
}
