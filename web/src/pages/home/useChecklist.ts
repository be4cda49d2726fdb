import { useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import { read, useRead } from "../../api/read";
import type { NetworkMap } from "../../generated/read-api";
import { useScope } from "../../session/scope";
import { useSession } from "../../session/session";
import { done, type Step } from "./checklist";

interface Image {
  id: string;
  kind: string;
  accepted?: boolean;
}

/** Which steps are done, over all accounts that are signed in. */
export function useChecklist(): ReadonlySet<Step> {
  const { region } = useScope();
  const { state } = useSession();
  const maps = useQueries({
    queries: state.accounts.map(({ account }) => ({
      queryKey: ["read", account, region, "map", undefined],
      queryFn: () => read<NetworkMap>({ account, region }, `map?region=${region}`),
    })),
  });
  const images = useRead<{ images: Image[] }>("images");
  const marketplace = useRead<{ products: Image[] }>("marketplace");
  return useMemo(() => {
    const known = [...(images.data?.images ?? []), ...(marketplace.data?.products ?? [])];
    return done({
      maps: maps.flatMap((one) => one.data ?? []),
      appliances: new Set(known.filter((image) => image.kind !== "linux").map((image) => image.id)),
      accepted: known.some((image) => image.accepted === true),
    });
  }, [maps, images.data, marketplace.data]);
}
