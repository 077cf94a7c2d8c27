package io.holdfast.launcher.load;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WordsTest {

  @Test
  void rates_and_times_are_read_as_people_type_them() {
    assertThat(Words.perSecond("200")).contains(200.0);
    assertThat(Words.perSecond("200/s")).contains(200.0);
    assertThat(Words.perSecond("12000/min")).contains(200.0);
    assertThat(Words.perSecond("0.5/s")).contains(0.5);
    assertThat(Words.duration("30s")).contains(Duration.ofSeconds(30));
    assertThat(Words.duration("30")).contains(Duration.ofSeconds(30));
    assertThat(Words.duration("500ms")).contains(Duration.ofMillis(500));
    assertThat(Words.duration("1.5m")).contains(Duration.ofSeconds(90));
    assertThat(Words.duration("1h")).contains(Duration.ofHours(1));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "fast", "-5", "5/h", "1e3", "5 s s", "99999999s"})
  void nothing_else_is(String text) {
    assertThat(Words.perSecond(text)).isEmpty();
    assertThat(Words.duration(text)).isEmpty();
  }
}
