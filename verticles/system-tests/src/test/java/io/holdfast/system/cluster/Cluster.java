package io.holdfast.system.cluster;

import static io.holdfast.testkit.Eventually.eventually;

import io.holdfast.broker.ClusterRoutes;
import io.holdfast.broker.NatsServer;
import io.holdfast.broker.NatsServerBinary;
import io.holdfast.broker.NatsServerConfig;
import io.holdfast.broker.ProjectRoot;
import io.nats.client.Connection;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Three nats-servers that replicate to each other, each in a network namespace of its own. */
final class Cluster implements AutoCloseable {

  static final int NODES = 3;

  /** As a busy machine may need until a cluster has its leaders and its replicas have caught up. */
  static final Duration WHOLE = Duration.ofSeconds(90);

  private static final int CLIENTS = 4222;
  private static final int ROUTES = 6222;
  private static final Duration ANSWER = Duration.ofSeconds(2);

  private final ClusterNet net;
  private final List<NatsServer> servers = new ArrayList<>();
  private final boolean[] paused = new boolean[NODES];
  private Set<String> streams = Set.of();
  private Connection connection;

  Cluster(Path folder) {
    this.net = ClusterNet.open(NODES);
    try {
      NatsServerBinary program = NatsServerBinary.require(ProjectRoot.toolsFolder());
      ClusterRoutes routes =
          new ClusterRoutes(
              "holdfast",
              IntStream.range(0, NODES)
                  .mapToObj(node -> net.address(node) + ":" + ROUTES)
                  .toList());
      for (int node = 0; node < NODES; node++) {
        NatsServerConfig config =
            NatsServerConfig.in(folder.resolve(name(node)))
                .serverName(name(node))
                .host(net.address(node))
                .port(CLIENTS)
                .maxFileStore(16L << 30) // the streams' limits together, which they will not reach
                .extra(routes.of(node))
                .build();
        servers.add(
            NatsServer.start(
                new NatsServerBinary(net.inside(node, program.path(), folder), program.version()),
                config));
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  String urls() {
    return servers.stream().map(NatsServer::url).collect(Collectors.joining(","));
  }

  String url(int node) {
    return servers.get(node).url();
  }

  ClusterNet net() {
    return net;
  }

  void kill(int node) {
    servers.get(node).kill();
    paused[node] = false;
  }

  /** SIGTERM: a node gives its leaderships away before it goes. */
  void stop(int node) {
    servers.get(node).stop();
  }

  void start(int node) {
    servers.get(node).restart();
  }

  void pause(int node) {
    servers.get(node).pause();
    paused[node] = true;
  }

  /** Nothing if it was killed meanwhile. */
  void resume(int node) {
    if (paused[node]) {
      servers.get(node).resume();
      paused[node] = false;
    }
  }

  boolean runs(int node) {
    return servers.get(node).isAlive();
  }

  /** Who leads a stream, by its full name; waits until there is one. */
  int leader(String stream) {
    return eventually(
        stream + " has a leader",
        WHOLE,
        () -> node(info(stream).getJsonObject("cluster").getString("leader", "")),
        node -> node >= 0);
  }

  /** Has this node lead a stream. */
  void makeLeader(String stream, int node) {
    String ask = "{\"placement\":{\"preferred\":\"" + name(node) + "\"}}";
    eventually(
        name(node) + " leads " + stream,
        WHOLE,
        () -> {
          if (leader(stream) == node) {
            return true;
          }
          connection()
              .request(
                  "$JS.API.STREAM.LEADER.STEPDOWN." + stream,
                  ask.getBytes(StandardCharsets.UTF_8),
                  ANSWER);
          LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
          return false;
        },
        leads -> leads);
  }

  long lastSequence(String stream) {
    return eventually(
        stream + " tells its state",
        WHOLE,
        () -> info(stream).getJsonObject("state").getLong("last_seq"),
        last -> true);
  }

  /** The streams that {@link #awaitWhole} looks at, by their full names. */
  void watch(Set<String> names) {
    streams = names;
  }

  /** Waits until every replica of each stream has all that its leader has. */
  void awaitWhole() {
    for (String stream : streams) {
      eventually(
          "all replicas of " + stream + " are current",
          WHOLE,
          () -> info(stream).getJsonObject("cluster"),
          cluster -> {
            JsonArray replicas = cluster.getJsonArray("replicas", new JsonArray());
            return cluster.containsKey("leader")
                && replicas.size() == NODES - 1
                && replicas.stream()
                    .map(JsonObject.class::cast)
                    .allMatch(each -> each.getBoolean("current") && each.getLong("lag", 0L) == 0);
          });
    }
  }

  private JsonObject info(String stream) throws Exception {
    Message answer = connection().request("$JS.API.STREAM.INFO." + stream, new byte[0], ANSWER);
    if (answer == null) {
      // It may hang on a node that is cut off; another one may know.
      closeConnection();
      LockSupport.parkNanos(Duration.ofMillis(200).toNanos());
      throw new IllegalStateException("no answer");
    }
    JsonObject told = new JsonObject(new String(answer.getData(), StandardCharsets.UTF_8));
    if (told.containsKey("error")) {
      throw new IllegalStateException(told.getJsonObject("error").encode());
    }
    return told;
  }

  private Connection connection() throws IOException, InterruptedException {
    if (connection == null || connection.getStatus() == Connection.Status.CLOSED) {
      connection =
          Nats.connect(
              new Options.Builder()
                  .servers(urls().split(","))
                  .connectionTimeout(Duration.ofSeconds(2))
                  .maxReconnects(0)
                  .build());
    }
    return connection;
  }

  private void closeConnection() {
    if (connection != null) {
      try {
        connection.close();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
      connection = null;
    }
  }

  private static String name(int node) {
    return "node" + node;
  }

  /** -1: none. */
  private static int node(String name) {
    return name == null || name.isEmpty() ? -1 : name.charAt(name.length() - 1) - '0';
  }

  @Override
  public void close() {
    closeConnection();
    servers.forEach(NatsServer::kill); // what is cut off cannot say goodbye
    servers.forEach(NatsServer::close);
    net.close();
  }
}
