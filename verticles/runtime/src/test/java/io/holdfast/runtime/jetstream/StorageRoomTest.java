package io.holdfast.runtime.jetstream;

import static io.holdfast.runtime.support.TestProcess.get;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.runtime.support.Eventually;
import io.holdfast.runtime.support.Facts;
import io.holdfast.runtime.support.TestProcess;
import org.junit.jupiter.api.Test;

/** Goal: whoever takes work in hears in time that there will be no room for its end. */
class StorageRoomTest {

  private static final int ENOUGH_FOR_MOST_OF_A_MEBIBYTE = 5_000;

  @Test
  void a_stream_that_is_nearly_full_is_named_before_it_refuses_anybody() {
    try (TestProcess process = TestProcess.inNewNamespace("STREAM_MAX_BYTES", "1048576")) {
      GroupStreams streams = process.streams();
      assertThat(streams.noRoom()).isEmpty();

      int stored = 0;
      while (streams.noRoom().isEmpty() && stored < ENOUGH_FOR_MOST_OF_A_MEBIBYTE) {
        for (int i = 0; i < 50; i++) {
          get(streams.append(Facts.created("o" + stored++), 0)); // none is refused
        }
        if (filled(process) > 0.9) {
          Eventually.eventually("it is noticed", streams::noRoom, lack -> lack.isPresent());
        }
      }

      assertThat(streams.noRoom()).hasValueSatisfying(lack -> assertThat(lack).contains("ORDERS"));
      get(streams.append(Facts.created("the-last-one"), 0)); // there is room for what was accepted
    }
  }

  private static double filled(TestProcess process) {
    return get(process.streams().inspect()).streams().stream()
        .filter(stream -> stream.name().endsWith("_ORDERS"))
        .mapToDouble(stream -> (double) stream.bytes() / stream.maxBytes())
        .findFirst()
        .orElseThrow();
  }
}
