package io.holdfast.runtime.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.runtime.config.Secret;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: the JDK's Ed25519 makes what NATS makes. Method: keys and signatures that others published;
 * a real server takes them in the system tests.
 */
class NkeyTest {

  private static final String SEED = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
  private static final String PUBLIC = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";

  /** RFC 8032, 7.1: the first of them signs nothing, the second one byte. */
  @ParameterizedTest
  @CsvSource({
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60,"
        + "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a,'',"
        + "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
        + "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb,"
        + "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c,72,"
        + "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
  })
  void signs_as_the_standard_says(String seed, String publicKey, String message, String signature) {
    Nkey key = Nkey.ofRawSeed(HexFormat.of().parseHex(seed));

    assertThat(key.rawPublicKey()).asHexString().isEqualToIgnoringCase(publicKey);
    assertThat(key.sign(HexFormat.of().parseHex(message)))
        .asHexString()
        .isEqualToIgnoringCase(signature);
  }

  @Test
  void a_seed_of_the_documentation_has_the_public_key_that_stands_beside_it() {
    Nkey key = Nkey.ofSeed(new Secret(SEED));

    assertThat(key.publicKey()).isEqualTo(PUBLIC);
    assertThat(key.seed().reveal()).isEqualTo(SEED);
  }

  @Test
  void a_new_key_is_one_that_its_seed_makes_again() {
    for (int i = 0; i < 100; i++) {
      Nkey key = Nkey.random();
      assertThat(Nkey.ofSeed(key.seed()).publicKey())
          .isEqualTo(key.publicKey())
          .matches("U[A-Z2-7]{55}");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "SU",
        PUBLIC,
        "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU4VY", // one letter off
        "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3V",
        "suacssl3uahudxkfsnvuzrf5uhpmwz6bfdtj7m6usdxiednppqyyycu3vy",
        "SAANJIBNEKGCRUWJCPIWUXFBFJLR36FJTFKGBGKAT7AQXH2LVFNQWZJMQU" // an account's
      })
  void what_is_no_users_seed_is_refused_without_being_shown(String text) {
    assertThatThrownBy(() -> Nkey.ofSeed(new Secret(text)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("must be a user's seed, which begins with SU");
  }
}
