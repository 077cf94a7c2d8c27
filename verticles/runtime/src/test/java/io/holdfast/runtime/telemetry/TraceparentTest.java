package io.holdfast.runtime.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Goal: one trace per order: what others began is gone on with, what is malformed is not. */
class TraceparentTest {

  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";

  @ParameterizedTest
  @ValueSource(
      strings = {
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
        "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-brings"
      })
  void a_well_formed_header_gives_its_trace(String header) {
    assertThat(Traceparent.traceId(header)).contains(TRACE);
  }

  @ParameterizedTest
  @NullSource
  @ValueSource(
      strings = {
        "",
        "0af7651916cd43dd8448eb211c80319c",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01"
      })
  void a_malformed_header_gives_none(String header) {
    assertThat(Traceparent.traceId(header)).isEmpty();
  }

  @Test
  void the_header_for_a_message_names_the_same_trace_and_another_span_each_time() {
    Set<String> headers = new HashSet<>();
    for (int i = 0; i < 1_000; i++) {
      String header = Traceparent.next(TRACE);
      assertThat(Traceparent.traceId(header)).contains(TRACE);
      assertThat(header).as("nobody tells of it").endsWith("-00");
      headers.add(header);
    }
    assertThat(headers).hasSize(1_000);
  }

  @Test
  void a_new_trace_is_one_that_others_accept_and_nobody_has() {
    Set<String> ids = new HashSet<>();
    for (int i = 0; i < 1_000; i++) {
      String id = Traceparent.newTraceId();
      assertThat(Traceparent.traceId(Traceparent.next(id))).contains(id);
      ids.add(id);
    }
    assertThat(ids).hasSize(1_000);
  }
}
