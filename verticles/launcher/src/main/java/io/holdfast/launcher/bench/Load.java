package io.holdfast.launcher.bench;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Places orders at a running system, and measures it meanwhile. A process of its own, so that what
 * it costs is counted apart.
 *
 * <p>Reads one JSON object that says where the system is, then one for each {@link Step}, a line
 * each, from standard input; answers each step with one line of figures on standard output.
 */
public final class Load {

  private static final long LOOK_NANOS = 10_000_000;

  /** Where nobody waits for it, so that looking costs the broker next to nothing. */
  private static final long SELDOM_NANOS = 100_000_000;

  private static final long ROOM_NANOS = 1_000_000;
  private static final Duration END_LIMIT = Duration.ofMinutes(5);
  private static final int EVENTS_IN_ORDERS = 2; // created and confirmed
  private static final List<String> AUDITED =
      List.of("ORDERS", "INVENTORY", "PAYMENTS", "NOTIFICATIONS");

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final List<URI> orders;
  private final URI broker;
  private final URI brokerMonitoring;
  private final URI audit;
  private final Map<String, Long> pids = new LinkedHashMap<>();
  private final Map<String, URI> metrics = new LinkedHashMap<>();
  private final NatsWire look;

  /** How orders are placed: as fast as those before have ended, or at a rate, or one alone. */
  private record Step(String name, long orders, int connections, long inFlight, double rate) {
    static Step of(JsonObject json) {
      return new Step(
          json.getString("name"),
          json.getLong("orders"),
          json.getInteger("connections"),
          json.getLong("in_flight", Long.MAX_VALUE),
          json.getDouble("rate", 0.0));
    }
  }

  private Load(JsonObject system) throws IOException {
    orders = system.getJsonArray("orders").stream().map(url -> URI.create((String) url)).toList();
    broker = URI.create(system.getString("broker"));
    brokerMonitoring = URI.create(system.getString("broker_monitoring"));
    audit = URI.create(system.getString("audit"));
    system
        .getJsonObject("metrics")
        .forEach(entry -> metrics.put(entry.getKey(), URI.create((String) entry.getValue())));
    system
        .getJsonObject("pids")
        .forEach(entry -> pids.put(entry.getKey(), ((Number) entry.getValue()).longValue()));
    pids.put("load", ProcessHandle.current().pid());
    look = NatsWire.connect(broker.getHost(), broker.getPort());
  }

  public static void main(String[] args) throws Exception {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    Load load = new Load(new JsonObject(in.readLine()));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      System.out.println(load.run(Step.of(new JsonObject(line))).encode());
    }
  }

  private JsonObject run(Step step) throws Exception {
    Map<String, Double> allocatedBefore = allocated();
    Traffic trafficBefore = traffic();
    Map<String, Sequences> before = sequences();
    try (Confirmations confirmations = step.rate() > 0 ? new Confirmations(broker) : null) {
      Usage begun = Usage.of(pids);
      Placing placing = new Placing(step, before.get("NOTIFICATIONS").last(), confirmations);
      placing.run();
      long told = placing.awaitTold();
      awaitSealed();
      Usage ended = Usage.of(pids);
      JsonObject figures = new JsonObject().put("orders", step.orders());
      placing.report(figures);
      long accepted = placing.accepted();
      ended.report(figures, begun, accepted);
      figures.put("told_per_min", accepted * 60e9 / (told - begun.nanos()));
      Usage.resident(pids).forEach((name, mib) -> figures.put("rss_mib." + name, mib));
      allocated()
          .forEach(
              (name, bytes) ->
                  figures.put(
                      "allocated_kib." + name,
                      (bytes - allocatedBefore.get(name)) / 1_024 / accepted));
      Traffic traffic = traffic();
      figures.put("broker_in", (double) (traffic.in() - trafficBefore.in()) / accepted);
      figures.put("broker_out", (double) (traffic.out() - trafficBefore.out()) / accepted);
      stored(figures, before, accepted);
      return figures;
    }
  }

  private void stored(JsonObject figures, Map<String, Sequences> before, long accepted)
      throws IOException {
    long messages = 0;
    long bytes = 0;
    for (Map.Entry<String, Sequences> stream : sequences().entrySet()) {
      Sequences was = before.get(stream.getKey());
      messages += stream.getValue().last() - was.last();
      bytes += stream.getValue().bytes() - was.bytes();
    }
    figures.put("stored_messages", (double) messages / accepted);
    figures.put("stored_bytes", (double) bytes / accepted);
    long ends = sequences().get("ORDERS").last() - before.get("ORDERS").last();
    if (ends != accepted * EVENTS_IN_ORDERS) {
      figures.put("trouble", "%d facts in ORDERS for %d accepted orders".formatted(ends, accepted));
    }
  }

  /** What all threads of each service have allocated so far, in bytes. */
  private Map<String, Double> allocated() throws IOException, InterruptedException {
    Map<String, Double> allocated = new LinkedHashMap<>();
    for (Map.Entry<String, URI> service : metrics.entrySet()) {
      get(service.getValue())
          .lines()
          .filter(line -> line.startsWith("jvm_threads_allocated_bytes_total "))
          .findFirst()
          .ifPresent(
              line ->
                  allocated.put(
                      service.getKey(), Double.parseDouble(line.substring(line.indexOf(' ')))));
    }
    return allocated;
  }

  /** Messages from and to the broker's clients since it was started. */
  private record Traffic(long in, long out) {}

  private Traffic traffic() throws IOException, InterruptedException {
    JsonObject all = new JsonObject(get(brokerMonitoring.resolve("/varz")));
    return new Traffic(all.getLong("in_msgs"), all.getLong("out_msgs"));
  }

  private String get(URI uri) throws IOException, InterruptedException {
    return http.send(
            HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(10)).build(),
            HttpResponse.BodyHandlers.ofString())
        .body();
  }

  /** Of a stream: the last one used, and how large all is. */
  private record Sequences(long last, long bytes) {}

  private Map<String, Sequences> sequences() throws IOException {
    Map<String, Sequences> all = new LinkedHashMap<>();
    for (String stream : AUDITED) {
      all.put(stream, sequences(look, stream));
    }
    all.put("AUDIT", sequences(look, "AUDIT"));
    return all;
  }

  private static Sequences sequences(NatsWire wire, String stream) throws IOException {
    JsonObject state =
        new JsonObject(
                new String(wire.ask("$JS.API.STREAM.INFO." + stream, ""), StandardCharsets.UTF_8))
            .getJsonObject("state");
    return new Sequences(state.getLong("last_seq"), state.getLong("bytes"));
  }

  /** Waits until the ledger's blocks hold all that the streams hold now. */
  private void awaitSealed() throws IOException, InterruptedException {
    Map<String, Sequences> wanted = sequences();
    long deadline = System.nanoTime() + END_LIMIT.toNanos();
    while (!sealed(wanted)) {
      if (System.nanoTime() - deadline > 0) {
        throw new IllegalStateException("not everything was sealed within " + END_LIMIT);
      }
      LockSupport.parkNanos(LOOK_NANOS);
    }
  }

  private boolean sealed(Map<String, Sequences> wanted) throws IOException, InterruptedException {
    JsonArray blocks =
        new JsonObject(get(audit.resolve("/audit/blocks?limit=1"))).getJsonArray("blocks");
    if (blocks.isEmpty()) {
      return wanted.values().stream().allMatch(stream -> stream.last() == 0);
    }
    JsonObject cursor = blocks.getJsonObject(blocks.size() - 1).getJsonObject("cursor");
    return AUDITED.stream()
        .allMatch(stream -> cursor.getLong(stream, 0L) >= wanted.get(stream).last());
  }

  /** All customers of one step. */
  private final class Placing {

    private final Step step;
    private final long toldBefore;
    private final Confirmations confirmations;
    private final AtomicLong next = new AtomicLong();
    private final AtomicLong accepted = new AtomicLong();
    private final AtomicInteger refused = new AtomicInteger();
    private final long[] acceptNanos;
    private volatile long told;
    private volatile long toldAt;
    private volatile Throwable trouble;

    Placing(Step step, long toldBefore, Confirmations confirmations) {
      this.step = step;
      this.toldBefore = toldBefore;
      this.confirmations = confirmations;
      this.acceptNanos = new long[(int) step.orders()];
    }

    long accepted() {
      return accepted.get();
    }

    void run() throws InterruptedException {
      Thread watch = Thread.ofPlatform().daemon().start(this::watch);
      long begun = System.nanoTime();
      List<Thread> customers = new ArrayList<>();
      for (int i = 0; i < step.connections(); i++) {
        URI to = orders.get(i % orders.size());
        customers.add(Thread.ofPlatform().start(() -> customer(to, begun)));
      }
      for (Thread customer : customers) {
        customer.join();
      }
      if (trouble != null) {
        watch.interrupt();
        throw new IllegalStateException(trouble.toString(), trouble);
      }
    }

    private void customer(URI to, long begun) {
      try (OrderClient client = new OrderClient(to)) {
        for (long k = next.getAndIncrement(); k < step.orders(); k = next.getAndIncrement()) {
          long due = due(k, begun);
          int status = client.place(k);
          acceptNanos[(int) k] = System.nanoTime() - due;
          if (status == OrderClient.ACCEPTED) {
            accepted.incrementAndGet();
            if (confirmations != null) {
              confirmations.placed(client.orderId(), due);
            }
          } else {
            refused.incrementAndGet();
          }
        }
      } catch (IOException | RuntimeException e) {
        trouble = e;
      }
    }

    /** Waits until the order may be placed: when it is due, or when there is room. */
    private long due(long k, long begun) {
      if (step.rate() > 0) {
        long due = begun + (long) (k * 1e9 / step.rate());
        for (long wait = due - System.nanoTime(); wait > 0; wait = due - System.nanoTime()) {
          LockSupport.parkNanos(wait);
        }
        return due;
      }
      while (k - told - refused.get() >= step.inFlight() && trouble == null) {
        LockSupport.parkNanos(ROOM_NANOS);
      }
      return System.nanoTime();
    }

    /** Looks how many customers were told. */
    private void watch() {
      try (NatsWire wire = NatsWire.connect(broker.getHost(), broker.getPort())) {
        while (toldAt == 0 && trouble == null) {
          long now = sequences(wire, "NOTIFICATIONS").last() - toldBefore;
          if (now > told) {
            told = now;
          }
          if (now + refused.get() >= step.orders()) {
            toldAt = System.nanoTime();
          }
          LockSupport.parkNanos(step.rate() > 0 ? SELDOM_NANOS : LOOK_NANOS);
        }
      } catch (IOException e) {
        trouble = e;
      }
    }

    /** When the last customer was told. */
    long awaitTold() {
      long deadline = System.nanoTime() + END_LIMIT.toNanos();
      while (toldAt == 0) {
        if (trouble != null) {
          throw new IllegalStateException(trouble.toString(), trouble);
        }
        if (System.nanoTime() - deadline > 0) {
          throw new IllegalStateException(
              "%d of %d orders have not ended within %s"
                  .formatted(step.orders() - told, step.orders(), END_LIMIT));
        }
        LockSupport.parkNanos(ROOM_NANOS);
      }
      return toldAt;
    }

    void report(JsonObject figures) throws IOException {
      figures.put("accepted", accepted.get()).put("refused", refused.get());
      put(figures, "accept", new Percentiles(acceptNanos));
      if (confirmations != null) {
        put(figures, "confirmed", confirmations.await(accepted.get(), END_LIMIT));
      }
    }

    private static void put(JsonObject figures, String name, Percentiles times) {
      if (!times.isEmpty()) {
        figures
            .put(name + "_p50_ms", times.millis(0.5))
            .put(name + "_p99_ms", times.millis(0.99))
            .put(name + "_max_ms", times.millis(1));
      }
    }
  }

  /**
   * Hears of every confirmation once it is stored, by a consumer of its own, which costs the broker
   * one more delivery per order.
   */
  private static final class Confirmations implements AutoCloseable {

    private final NatsWire wire;
    private final Map<String, Long> dueAt = new ConcurrentHashMap<>();
    private final Map<String, Long> heardAt = new ConcurrentHashMap<>();

    Confirmations(URI broker) throws IOException {
      wire = NatsWire.connect(broker.getHost(), broker.getPort());
      String inbox = "_INBOX.confirmed" + Long.toString(System.nanoTime(), Character.MAX_RADIX);
      wire.subscribe(inbox, 1);
      JsonObject config =
          new JsonObject()
              .put("deliver_subject", inbox)
              .put("deliver_policy", "new")
              .put("ack_policy", "none")
              .put("filter_subject", "orders.confirmed.*")
              .put("mem_storage", true)
              .put("headers_only", true);
      JsonObject created =
          new JsonObject(
              new String(
                  wire.ask(
                      "$JS.API.CONSUMER.CREATE.ORDERS",
                      new JsonObject().put("stream_name", "ORDERS").put("config", config).encode()),
                  StandardCharsets.UTF_8));
      if (created.containsKey("error")) {
        throw new IOException(created.getJsonObject("error").encode());
      }
      Thread.ofPlatform().daemon().start(this::listen);
    }

    private void listen() {
      try {
        while (true) {
          wire.next(
              message -> {
                if (message.sid() == 1) {
                  String subject = message.subject();
                  heardAt.put(subject.substring(subject.lastIndexOf('.') + 1), System.nanoTime());
                }
              });
        }
      } catch (IOException closed) {
        // whoever waits will say that something is missing
      }
    }

    void placed(String orderId, long due) {
      dueAt.put(orderId, due);
    }

    Percentiles await(long orders, Duration limit) throws IOException {
      long deadline = System.nanoTime() + limit.toNanos();
      while (!heardAt.keySet().containsAll(dueAt.keySet()) || dueAt.size() < orders) {
        if (System.nanoTime() - deadline > 0) {
          throw new IOException("not every confirmation was heard of");
        }
        LockSupport.parkNanos(LOOK_NANOS);
      }
      return new Percentiles(
          dueAt.entrySet().stream()
              .mapToLong(order -> heardAt.get(order.getKey()) - order.getValue())
              .toArray());
    }

    @Override
    public void close() throws IOException {
      wire.close();
    }
  }
}
