/** What the tests use of it: it brings no types. */
declare module "react-test-renderer" {
  import type { ReactElement } from "react";

  interface Node {
    props: Record<string, unknown>;
    children: (Node | string)[];
    findAllByType: (type: string) => Node[];
  }
  export function create(element: ReactElement): { root: Node; unmount: () => void };
}
