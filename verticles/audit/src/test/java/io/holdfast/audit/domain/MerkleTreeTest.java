package io.holdfast.audit.domain;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MerkleTreeTest {

  /** The leaves that implementations of RFC 6962 test each other with. */
  private static final List<String> LEAVES =
      List.of(
          "",
          "00",
          "10",
          "2021",
          "3031",
          "40414243",
          "5051525354555657",
          "606162636465666768696a6b6c6d6e6f");

  @ParameterizedTest
  @CsvSource({
    "0, e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "1, 6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "2, fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "3, aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "4, d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "5, 4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "6, 76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "7, ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "8, 5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
  })
  void has_the_roots_that_the_world_agrees_on(int size, String root) {
    MerkleTree tree = new MerkleTree();
    for (String leaf : LEAVES.subList(0, size)) {
      byte[] bytes = HexFormat.of().parseHex(leaf);
      tree.add(bytes, 0, bytes.length);
    }
    assertThat(tree.leaves()).isEqualTo(size);
    assertThat(tree.root()).isEqualTo(root);
  }

  /** Goal: the running form equals the definition. Method: the definition, recursive, as it is. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 9, 31, 32, 33, 64, 100, 1_000})
  void equals_the_recursive_definition(int size) throws Exception {
    MerkleTree tree = new MerkleTree();
    List<byte[]> leaves = new ArrayList<>();
    byte[] all = new byte[size * 8];
    for (int i = 0; i < size; i++) {
      byte[] leaf = String.format("line%04d", i).getBytes(StandardCharsets.US_ASCII);
      System.arraycopy(leaf, 0, all, i * 8, 8);
      leaves.add(leaf);
    }
    for (int i = 0; i < size; i++) {
      tree.add(all, i * 8, i * 8 + 8); // a part of a greater array, as lines are of a block
    }
    assertThat(tree.root()).isEqualTo(HexFormat.of().formatHex(defined(leaves)));
  }

  @Test
  void tells_a_node_from_a_leaf_of_the_same_bytes() throws Exception {
    byte[] left = hash(0, new byte[0], new byte[0]);
    byte[] both = new byte[64];
    System.arraycopy(left, 0, both, 0, 32);
    System.arraycopy(left, 0, both, 32, 32);
    MerkleTree two = new MerkleTree();
    two.add(new byte[0], 0, 0);
    two.add(new byte[0], 0, 0);
    MerkleTree one = new MerkleTree();
    one.add(both, 0, 64);
    assertThat(one.root()).isNotEqualTo(two.root());
  }

  private static byte[] defined(List<byte[]> leaves) throws Exception {
    if (leaves.size() == 1) {
      return hash(0, leaves.getFirst(), new byte[0]);
    }
    int split = Integer.highestOneBit(leaves.size() - 1);
    return hash(
        1, defined(leaves.subList(0, split)), defined(leaves.subList(split, leaves.size())));
  }

  private static byte[] hash(int prefix, byte[] first, byte[] second) throws Exception {
    MessageDigest sha = MessageDigest.getInstance("SHA-256");
    sha.update((byte) prefix);
    sha.update(first);
    sha.update(second);
    return sha.digest();
  }
}
