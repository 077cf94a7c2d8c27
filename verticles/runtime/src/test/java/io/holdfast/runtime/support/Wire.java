package io.holdfast.runtime.support;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.nats.client.Connection;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.nats.client.Subscription;
import io.nats.client.impl.Headers;
import io.nats.client.impl.NatsMessage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * What goes over the wire to a nats-server and comes back, with nothing of ours, and as little of
 * the client library as possible, in between. Blocking.
 */
public final class Wire implements AutoCloseable {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration ANSWER = Duration.ofSeconds(10);

  private final Connection connection;

  private Wire(Connection connection) {
    this.connection = connection;
  }

  public static Wire to(String url) {
    try {
      return new Wire(
          Nats.connect(
              new Options.Builder().server(url).maxReconnects(-1).reconnectBufferSize(0).build()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** An answer, its body read as JSON. */
  public record Answer(JsonNode json) {

    /** JetStream's error code; 0 if it is no error. */
    public int error() {
      return json.path("error").path("err_code").asInt();
    }

    public long sequence() {
      return json.path("seq").asLong();
    }

    public boolean duplicate() {
      return json.path("duplicate").asBoolean();
    }
  }

  /** Asks the JetStream API; {@code api} is the subject without {@code $JS.API.}. */
  public Answer api(String api, String body) {
    return json(ask("$JS.API." + api, body));
  }

  /** As {@link #api}, for what must succeed. */
  public JsonNode succeed(String api, String body) {
    Answer answer = api(api, body);
    if (answer.json().has("error")) {
      throw new AssertionError(api + " " + body + ": " + answer.json().path("error"));
    }
    return answer.json();
  }

  /**
   * Publishes to a stream and waits for its answer.
   *
   * @param headers names and values in turn
   */
  public Answer publish(String subject, String body, String... headers) {
    return publish(subject, body.getBytes(StandardCharsets.UTF_8), headers);
  }

  public Answer publish(String subject, byte[] body, String... headers) {
    return json(first(subject, headers(headers), body));
  }

  /** Publishes without asking for an answer. */
  public void send(String subject, String replyTo, String body, String... headers) {
    connection.publish(
        NatsMessage.builder()
            .subject(subject)
            .replyTo(replyTo)
            .headers(headers(headers))
            .data(body.getBytes(StandardCharsets.UTF_8))
            .build());
  }

  /** Asks and returns the first answer as it came, status or message. */
  public Message ask(String subject, String body) {
    return first(subject, null, body.getBytes(StandardCharsets.UTF_8));
  }

  /** Asks and returns all answers up to the first status, that one included. */
  public List<Message> askMany(String subject, String body) {
    Inbox inbox = inbox();
    send(subject, inbox.subject(), body);
    List<Message> all = new ArrayList<>();
    do {
      all.add(inbox.next(ANSWER));
    } while (!all.getLast().isStatusMessage());
    inbox.close();
    return all;
  }

  /** A subject of this test's own, with all that arrives on it. */
  public Inbox inbox() {
    String subject = connection.createInbox();
    return new Inbox(subject, connection.subscribe(subject));
  }

  /** See {@link Wire#inbox}. */
  public record Inbox(String subject, Subscription subscription) {

    /**
     * @throws AssertionError if nothing came in time
     */
    public Message next(Duration limit) {
      Message message = poll(limit);
      if (message == null) {
        throw new AssertionError("nothing arrived within " + limit.toMillis() + " ms");
      }
      return message;
    }

    public Message next() {
      return next(ANSWER);
    }

    /** The next one, or null if none came in time. */
    public Message poll(Duration limit) {
      try {
        return subscription.nextMessage(limit);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
    }

    public void close() {
      subscription.unsubscribe();
    }
  }

  public String serverVersion() {
    return connection.getServerInfo().getVersion();
  }

  public boolean connected() {
    return connection.getStatus() == Connection.Status.CONNECTED;
  }

  /** Waits until the broker has all that was sent. */
  public void flush() {
    try {
      connection.flush(ANSWER);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** What an answer's body says. */
  public static Answer json(Message message) {
    try {
      return new Answer(JSON.readTree(message.getData()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    try {
      connection.close();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private Message first(String subject, Headers headers, byte[] body) {
    Inbox inbox = inbox();
    connection.publish(
        NatsMessage.builder()
            .subject(subject)
            .replyTo(inbox.subject())
            .headers(headers)
            .data(body)
            .build());
    Message answer = inbox.next();
    inbox.close();
    return answer;
  }

  private static Headers headers(String... namesAndValues) {
    Headers headers = new Headers();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      headers.put(namesAndValues[i], namesAndValues[i + 1]);
    }
    return headers;
  }
}
