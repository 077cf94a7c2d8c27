package io.holdfast.runtime.http;

import static io.holdfast.runtime.support.TestProcess.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.events.Ids;
import io.holdfast.runtime.boot.Platform;
import io.holdfast.runtime.boot.RunningGroup;
import io.holdfast.runtime.support.TestGroup;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Goal: a key stands for one id, for ever and everywhere; no key for a new one each time. */
class IdempotencyKeyTest {

  private static final HttpClient CLIENT =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private static Platform platform;
  private static RunningGroup group;

  @BeforeAll
  static void start() {
    platform = Platform.start();
    group =
        get(
            RunningGroup.start(
                new TestGroup(
                    router ->
                        router
                            .get("/:prefix")
                            .handler(
                                request ->
                                    request.end(
                                        IdempotencyKey.idFor(
                                            request.request().getParam("namespace", ""),
                                            request.pathParam("prefix"),
                                            request))),
                    Set.of()),
                Map.of("HOST", "127.0.0.1", "HTTP_PORT", "0", "DRAIN_GRACE_MS", "0"),
                platform,
                "test"));
  }

  @AfterAll
  static void stop() {
    get(group.drain());
    get(platform.close());
  }

  @Test
  void the_same_key_is_the_same_id_in_every_version_of_this_code() throws Exception {
    // Written down, as a retry may come after an upgrade.
    assertThat(id("ord", "checkout-4711")).isEqualTo(id("ord", "checkout-4711"));
    assertThat(id("ord", "checkout-4711")).isEqualTo("ord_26e6r9p8gquub4d5ffkx0odg3");
    assertThat(id("ord?namespace=north", "checkout-4711"))
        .isEqualTo("ord_3icbjofffatkr49cj8usdw9gp");
  }

  @Test
  void in_another_namespace_the_same_key_is_another_id() throws Exception {
    Set<String> ids = new HashSet<>();
    for (String namespace : new String[] {"", "ord", "north", "north-2", "south"}) {
      for (String key : new String[] {"a", "ord:a", "north/ord:a"}) {
        ids.add(id("ord?namespace=" + namespace, key));
      }
    }
    assertThat(ids).hasSize(15).allMatch(id -> id.matches("ord_[0-9a-z]{25}"));
  }

  @Test
  void quotes_around_a_key_and_spaces_outside_them_make_no_difference() throws Exception {
    assertThat(id("ord", "\"checkout-4711\"")).isEqualTo(id("ord", "checkout-4711"));
    assertThat(id("ord", "  checkout-4711 ")).isEqualTo(id("ord", "checkout-4711"));
  }

  @Test
  void other_keys_and_other_kinds_of_thing_have_other_ids() throws Exception {
    Set<String> ids = new HashSet<>();
    for (String key : new String[] {"a", "b", "A", "a a", "\"", "~", "a".repeat(255)}) {
      String id = id("ord", key);
      assertThat(Ids.valid(id)).as(id).isTrue();
      assertThat(id).matches("ord_[0-9a-z]{25}");
      ids.add(id);
      ids.add(id("rcp", key).replace("rcp_", "ord_"));
    }
    assertThat(ids).hasSize(14);
  }

  @Test
  void without_a_key_every_request_has_an_id_of_its_own() throws Exception {
    Set<String> ids = new HashSet<>();
    for (int i = 0; i < 50; i++) {
      ids.add(id("ord", null));
    }
    assertThat(ids).hasSize(50).allMatch(Ids::valid);
  }

  @Test
  void what_cannot_be_a_key_is_400() throws Exception {
    for (String key : new String[] {"", "\"\"", "a".repeat(256), "tab\tinside"}) {
      HttpResponse<String> answer = send("ord", key);
      assertThat(answer.statusCode()).as("<" + key + ">").isEqualTo(400);
      assertThat(answer.body()).contains("Idempotency-Key must be 1 to 255");
    }
  }

  private static String id(String prefix, String key) throws Exception {
    HttpResponse<String> answer = send(prefix, key);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return answer.body();
  }

  private static HttpResponse<String> send(String prefix, String key) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + group.port() + "/" + prefix));
    if (key != null) {
      request.header(IdempotencyKey.HEADER, key);
    }
    return CLIENT.send(request.build(), BodyHandlers.ofString());
  }
}
