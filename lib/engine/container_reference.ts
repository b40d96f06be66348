import { GantryError } from "../base/errors.ts";
import type { ContainerRecord } from "../wire/container_record.ts";
import { isId, isName } from "../wire/identifier.ts";
import { labelKeys } from "./container_plan.ts";

/** Where {@link findContainer} looks. */
export interface ReferenceScope {
  readonly namespace: string;
  /** Lists the stored containers that it may mean, at least. */
  find(reference: string): Promise<readonly ContainerRecord[]>;
}

/**
 * The id of the container that `reference` means: a whole id, else a name (also one that another instance gave), else the
 * unique start of an id. `not_found` for none, `invalid_argument` for several and for what can be neither name nor id.
 */
export async function findContainer(reference: string, scope: ReferenceScope): Promise<string> {
  if (!isId(reference) && !isName(reference)) {
    throw new GantryError("invalid_argument", `${JSON.stringify(reference)} is neither a name nor an id`, {
      hint: "`gantry ps -a` lists all containers",
    });
  }
  const found = await scope.find(reference);
  const ids = [
    found.filter(({ id }) => id === reference),
    found.filter(({ labels }) => labels[labelKeys.name] === reference),
    found.filter(({ id }) => id.startsWith(reference)),
  ].find((some) => some.length > 0)?.map(({ id }) => id) ?? [];
  const [id] = ids;
  if (id === undefined) {
    throw new GantryError("not_found", `no container ${JSON.stringify(reference)} in namespace ${scope.namespace}`, {
      hint: "`gantry ps -a` lists them all; --namespace looks elsewhere",
    });
  }
  if (ids.length === 1) return id;
  throw new GantryError("invalid_argument", `${reference} matches ${ids.length} containers`, {
    hint: `use more of the id: ${ids.slice(0, 5).map((some) => some.slice(0, 16)).join(", ")}`,
  });
}
