package io.holdfast.launcher;

import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/** The services' HTTP as the commands use it; blocking, for the command's own thread. */
final class Api {

  private static final HttpClient CLIENT =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(2))
          .build();

  private Api() {}

  /**
   * Where a service is, as somebody typed it, without a slash at the end.
   *
   * @param from where it was typed, as it stands there before the address: {@code "--url "}
   * @param orElse what could have been typed instead, {@code ", or none"}; or nothing
   * @throws CommandLine.ParameterException if it is no such address
   */
  static URI base(CommandSpec command, String from, String url, String orElse) {
    try {
      URI uri = URI.create(url.endsWith("/") ? url.substring(0, url.length() - 1) : url);
      if (uri.getHost() != null
          && ("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()))) {
        return uri;
      }
    } catch (IllegalArgumentException notOne) {
      // said below, as of every other that is none
    }
    throw new CommandLine.ParameterException(
        command.commandLine(), from + url + ": must be like http://host:port" + orElse);
  }

  record Answer(int status, String body) {
    JsonObject json() {
      return new JsonObject(body);
    }
  }

  /** Nobody answered there. */
  static final class Unreachable extends RuntimeException {
    Unreachable(String url, Exception cause) {
      super("nobody answers at " + url + " (" + cause + ")", cause);
    }
  }

  static Answer get(String url) {
    return text(HttpRequest.newBuilder(URI.create(url)).GET().timeout(Duration.ofSeconds(10)));
  }

  /**
   * @param headers names and values in turn
   */
  static Answer post(String url, JsonObject body, String... headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(url))
            .header("Content-Type", "application/json")
            .timeout(Duration.ofSeconds(15))
            .POST(HttpRequest.BodyPublishers.ofString(body.encode()));
    token().ifPresent(token -> request.header("Authorization", "Bearer " + token));
    for (int i = 0; i < headers.length; i += 2) {
      request.header(headers[i], headers[i + 1]);
    }
    return text(request);
  }

  /** Who we are, for services that ask for it. */
  static Optional<String> token() {
    return Optional.ofNullable(System.getenv("HOLDFAST_TOKEN")).filter(token -> !token.isBlank());
  }

  static Answer put(String url, JsonObject body) {
    return text(
        HttpRequest.newBuilder(URI.create(url))
            .header("Content-Type", "application/json")
            .timeout(Duration.ofSeconds(5))
            .PUT(HttpRequest.BodyPublishers.ofString(body.encode())));
  }

  /** A long answer, to be read piece by piece; the caller closes it. */
  static InputStream stream(String url) {
    HttpRequest request = HttpRequest.newBuilder(URI.create(url)).GET().build();
    HttpResponse<InputStream> response = send(request, BodyHandlers.ofInputStream());
    if (response.statusCode() != 200) {
      throw new IllegalStateException(url + " answers " + response.statusCode());
    }
    return response.body();
  }

  private static Answer text(HttpRequest.Builder builder) {
    HttpResponse<String> response = send(builder.build(), BodyHandlers.ofString());
    return new Answer(response.statusCode(), response.body());
  }

  private static <T> HttpResponse<T> send(HttpRequest request, HttpResponse.BodyHandler<T> body) {
    try {
      return CLIENT.send(request, body);
    } catch (IOException e) {
      throw new Unreachable(request.uri().toString(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }
}
