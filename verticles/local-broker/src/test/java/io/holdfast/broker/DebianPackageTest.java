package io.holdfast.broker;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** What of it needs no network; the rest is tried by every first build on such a machine. */
class DebianPackageTest {

  private static final String SITE = "http://mirror.example/debian";

  @Test
  void takes_the_keyring_that_the_machine_names_for_this_mirror() {
    String paragraphs =
        """
        Types: deb
        URIs: http://other.example/apt
        Signed-By: /usr/share/keyrings/other.gpg

        Types: deb
        URIs: http://mirror.example/debian
        Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
        """;
    assertThat(DebianPackage.namedKeyrings(SITE, paragraphs, "\n\\s*\n"))
        .containsExactly(Path.of("/usr/share/keyrings/debian-archive-keyring.gpg"));

    String lines =
        """
        deb [arch=amd64 signed-by=/etc/apt/keyrings/other.asc] http://other.example/apt x main
        deb [signed-by=/etc/apt/keyrings/debian.gpg] http://mirror.example/debian stable main
        """;
    assertThat(DebianPackage.namedKeyrings(SITE, lines, "\n"))
        .containsExactly(Path.of("/etc/apt/keyrings/debian.gpg"));

    assertThat(DebianPackage.namedKeyrings(SITE, "deb " + SITE + " stable main\n", "\n")).isEmpty();
  }
}
