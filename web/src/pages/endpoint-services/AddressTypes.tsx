import Checkbox from "@cloudscape-design/components/checkbox";
import SpaceBetween from "@cloudscape-design/components/space-between";

const TYPES = { ipv4: "IPv4", ipv6: "IPv6" };

/** "Supported IP address types": consumers with dualstack endpoints need both. */
export function AddressTypes({ chosen, onChange }: { chosen: readonly string[]; onChange: (types: string[]) => void }) {
  return (
    <SpaceBetween size="xs">
      {Object.entries(TYPES).map(([type, text]) => (
        <Checkbox
          key={type}
          data-testid={type}
          checked={chosen.includes(type)}
          onChange={({ detail }) => {
            onChange(Object.keys(TYPES).filter((one) => (one === type ? detail.checked : chosen.includes(one))));
          }}
        >
          {text}
        </Checkbox>
      ))}
    </SpaceBetween>
  );
}
