package io.holdfast.gateway.journal;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.gateway.domain.Entry;
import io.holdfast.gateway.domain.StripeError;
import io.vertx.core.Future;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JournalTest {

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void name_the_file() {
    file = folder.resolve("deep/ledger.jsonl");
  }

  @Test
  void what_was_appended_is_read_again_in_its_order() throws Exception {
    Journal journal = Journal.open(file, none -> {});
    List<Future<Void>> written =
        IntStream.range(0, 5_000).mapToObj(i -> journal.append(entry(i))).toList();
    Future.all(written).await(10, SECONDS);

    assertThat(Files.readAllLines(file)).as("before it is closed").hasSize(5_000);
    journal.close();
    assertThat(replayed()).isEqualTo(IntStream.range(0, 5_000).mapToObj(i -> entry(i)).toList());
  }

  @Test
  void all_that_was_appended_is_written_when_it_says_so() throws Exception {
    Journal journal = Journal.open(file, none -> {});
    for (int i = 0; i < 2_000; i++) {
      journal.append(entry(i));
    }

    journal.written().await(10, SECONDS);

    assertThat(Files.readAllLines(file)).hasSize(2_000);
    journal.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"{", "{\"at\":7,\"key\":\"k7\",\"fing", "\0\0\0"})
  void a_torn_last_line_is_cut_off(String torn) throws Exception {
    append(0, 1);
    Files.writeString(file, torn, StandardOpenOption.APPEND);

    assertThat(replayed()).containsExactly(entry(0), entry(1));
    assertThat(Files.readString(file)).endsWith("}\n");
    append(2); // on a line of its own
    assertThat(replayed()).containsExactly(entry(0), entry(1), entry(2));
  }

  @Test
  void a_last_line_that_only_lacks_its_end_was_never_answered_and_goes_too() throws Exception {
    append(0, 1);
    byte[] all = Files.readAllBytes(file);
    Files.write(file, java.util.Arrays.copyOf(all, all.length - 1));

    assertThat(replayed()).containsExactly(entry(0));
  }

  @ParameterizedTest
  @ValueSource(strings = {"rubbish", "", "{}", "{\"at\":1}", "[]", "{\"at\":1} {\"at\":2}"})
  void a_line_in_the_middle_that_is_no_entry_stops_the_start(String line) throws Exception {
    append(0, 1, 2);
    List<String> lines = new ArrayList<>(Files.readAllLines(file));
    lines.set(1, line);
    byte[] before = (String.join("\n", lines) + "\n").getBytes(UTF_8);
    Files.write(file, before);

    assertThatThrownBy(this::replayed)
        .isInstanceOf(LedgerFileException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining("line 2 is not an entry of a ledger");
    assertThat(Files.readAllBytes(file)).as("left as it was").isEqualTo(before);
  }

  @Test
  void two_cannot_write_to_one_file() throws Exception {
    Journal first = Journal.open(file, none -> {});

    assertThatThrownBy(() -> Journal.open(file, none -> {}))
        .isInstanceOf(LedgerFileException.class)
        .hasMessageContaining("in use");

    first.close();
    Journal.open(file, none -> {}).close();
  }

  @Test
  void a_closed_journal_takes_nothing_and_says_so() throws Exception {
    Journal journal = Journal.open(file, none -> {});
    journal.append(entry(0));
    journal.close();

    assertThatThrownBy(() -> journal.append(entry(1)).await(10, SECONDS))
        .hasMessageContaining("closed");
    assertThatThrownBy(() -> journal.written().await(10, SECONDS)).hasMessageContaining("closed");
    assertThat(replayed()).containsExactly(entry(0));
  }

  private void append(int... numbers) throws Exception {
    Journal journal = Journal.open(file, seen -> {});
    for (int number : numbers) {
      journal.append(entry(number));
    }
    journal.close();
  }

  private List<Entry> replayed() throws Exception {
    List<Entry> seen = new ArrayList<>();
    Journal.open(file, seen::add).close();
    return seen;
  }

  private static Entry entry(int number) {
    return new Entry(number, "k" + number, "f\n\u00e9", null, null, StripeError.internal());
  }
}
