package io.holdfast.system;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** Stands before the gateway, notes what reaches it, and answers for it if it is to fail. */
public final class GatewayFront implements AutoCloseable {

  private static final Set<String> PASSED_ON =
      Set.of("authorization", "content-type", "idempotency-key", "stripe-version", "traceparent");

  private final HttpServer server;
  private final HttpClient client = HttpClient.newHttpClient();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final List<Map<String, List<String>>> headers = new CopyOnWriteArrayList<>();
  private final AtomicInteger failures = new AtomicInteger();
  private volatile CountDownLatch held = new CountDownLatch(0);
  private String gateway;

  public GatewayFront() {
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    server.createContext("/", this::pass);
    server.setExecutor(threads);
    server.start();
  }

  /** Where to find it, once it is told where the gateway is. */
  public String before(String gatewayUrl) {
    gateway = gatewayUrl;
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  /** So many of the next requests are answered with a failure. */
  public void fail(int requests) {
    failures.set(requests);
  }

  /** From now on requests wait. */
  public void hold() {
    held = new CountDownLatch(1);
  }

  /** Those that wait go on to the gateway. */
  public void release() {
    held.countDown();
  }

  /** Of every request so far. */
  public List<Map<String, List<String>>> headers() {
    return headers;
  }

  private void pass(HttpExchange exchange) throws IOException {
    headers.add(Map.copyOf(exchange.getRequestHeaders()));
    byte[] body = exchange.getRequestBody().readAllBytes();
    if (failures.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
      exchange.sendResponseHeaders(503, -1);
      exchange.close();
      return;
    }
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(gateway + exchange.getRequestURI()))
            .method(exchange.getRequestMethod(), HttpRequest.BodyPublishers.ofByteArray(body));
    exchange
        .getRequestHeaders()
        .forEach(
            (name, values) -> {
              if (PASSED_ON.contains(name.toLowerCase(Locale.ROOT))) {
                request.header(name, values.getFirst());
              }
            });
    try {
      held.await();
      HttpResponse<byte[]> answer =
          client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      exchange.sendResponseHeaders(answer.statusCode(), answer.body().length);
      exchange.getResponseBody().write(answer.body());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      exchange.close();
    }
  }

  @Override
  public void close() {
    held.countDown();
    server.stop(0);
    threads.shutdownNow();
    client.close();
  }
}
